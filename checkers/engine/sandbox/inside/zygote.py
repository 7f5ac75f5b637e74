"""The process that `processes.Server` starts: it has torch loaded, and forks boxes.

It holds no student's code and no student's results: each box talks to the checker over a socket of
its own, which is only handed through. Orders come over the control socket, a line of JSON each:

- {"load": modules}: import what submissions import, at first or when one comes that needs more;
  answered with {"loaded": true}.
- {"box": limits, "self_test": null or arguments} with a socket: open a box.
- {"sweep": true}: end what the last case has started and left; not answered.
- {"end": true, "lost": whether it has hung up}: end the box; answered with how it ended.
"""

from __future__ import annotations

import array
import contextlib
import gc
import json
import os
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from checkers.engine.sandbox.inside import linux
from checkers.engine.sandbox.inside.confinement import Limits, Locks
from checkers.engine.sandbox.inside.removal import remove_tree
from checkers.engine.sandbox.inside.supervisor import Box, end_children, open_box


def main(settings: dict[str, Any]) -> None:
    """Become the user that boxes run as, and serve.

    Args:
        settings: {"control": the control socket's number, "user": null or the number of the user to
            become, "locks": how boxes are locked in, "empty": the folders to empty after each box}.
    """
    control = socket.socket(fileno=settings["control"])
    locks = Locks(**settings["locks"])
    if settings["user"] is not None:
        linux.become(settings["user"], keep_reading=locks.reads_all)
    if sys.platform == "linux":
        linux.set_dumpable(False)
        linux.die_with_parent()
        linux.adopt_orphans()
    _serve(control, locks, settings["empty"])


def _serve(control: socket.socket, locks: Locks, empty: Sequence[str]) -> None:
    box: Box | None = None
    while (received := _receive(control)) is not None:
        order, channel = received
        if "load" in order:
            _load(order["load"])
            _answer(control, {"loaded": True})
        elif "sweep" in order:
            if box is not None:
                box.sweep()
        elif "end" in order:
            ended = box.end(order["lost"]) if box is not None else {"exit": None, "reason": None}
            box = None
            if empty:  # boxes without namespaces of their own may leave something
                end_children(search=True)
            for folder in empty:
                _empty(Path(folder))
            _answer(control, ended)
        elif channel is not None:
            if box is not None:
                box.end()
            box = _open(order, channel, locks)
    if box is not None:
        box.end()
    os._exit(0)  # nothing to put in order, and torch takes its time


def _open(order: dict[str, Any], channel: int, locks: Locks) -> Box:
    test = order["self_test"]

    def live(channel: int) -> None:
        if test is not None:
            from checkers.engine.sandbox.inside.self_test import facts

            os.write(channel, json.dumps(facts(**test)).encode() + b"\n")
        else:
            from checkers.engine.sandbox.inside import runner

            runner.live(channel)

    try:
        return open_box(channel, Limits(**order["box"]), locks, live)
    finally:
        os.close(channel)


def _load(modules: Sequence[str]) -> None:
    """Import what submissions import, once, so that no box pays for it again."""
    import torch

    for module in (f"{__package__}.runner", *modules):
        import_module(module)
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # else every box copies the pages that its first collection looks at


def _empty(folder: Path) -> None:
    """Remove what a box without a scratch folder of its own has left."""
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                remove_tree(entry)
            else:
                entry.unlink(missing_ok=True)


def _receive(control: socket.socket) -> tuple[dict[str, Any], int | None] | None:
    """The next order and the socket that came with it; None when there are no more."""
    text = b""
    channel = None
    while not text.endswith(b"\n"):
        room = socket.CMSG_SPACE(array.array("i").itemsize)
        chunk, extra, _, _ = control.recvmsg(1, room)  # what follows the line is the next order
        if not chunk:
            return None
        text += chunk
        for level, kind, data in extra:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                channel = array.array("i", data)[0]
                os.set_inheritable(channel, False)
    return json.loads(text), channel


def _answer(control: socket.socket, message: dict[str, Any]) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
