"""A server, or a proxy, that answers what is no HTTP, or breaks off: for tests of downloads."""

import contextlib
import socket
import threading
from collections.abc import Iterator

BROKEN_ANSWERS = {
    "nonsense": b"SSH-2.0-OpenSSH_9.6\r\n",
    "silence": b"",
    "a line without end": b"HTTP/1.1 200 " + b"x" * 70_000,
    "a header without end": b"HTTP/1.1 200 OK\r\nSet-Cookie: " + b"x" * 70_000,
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300,
    "half of it": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 40,
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nxx",
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "to a strange place": b"HTTP/1.1 302 Found\r\nLocation: http://a b:x/\r\n\r\n",
    "to another protocol": b"HTTP/1.1 302 Found\r\nLocation: ftp://[::/\r\n\r\n",
    "to itself": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "a login page": b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
}


@contextlib.contextmanager
def broken_server(answer: bytes) -> Iterator[str]:
    """The address of a server on this machine that gives this answer to everything."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # the test is over
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(65_536)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):  # else what was sent may be lost
                    pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)
