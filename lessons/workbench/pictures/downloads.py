"""Fetch one file from the web, with limits on its size and on the time it may take."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request

MAX_BYTES = 20 * 2**20
SECONDS = 20.0
_CHUNK = 2**16


class DownloadError(ValueError):
    """A file that could not be fetched; the message says why and what to do."""


def is_url(text: object) -> bool:
    """Whether this is a web address rather than a path."""
    return isinstance(text, str) and text.lower().startswith(("http://", "https://"))


def download(url: str, max_bytes: int = MAX_BYTES, seconds: float = SECONDS) -> bytes:
    """Fetch `url`.

    Args:
        url: begins with http:// or https://.
        max_bytes: stop when more than this has come.
        seconds: stop when it takes longer than this.

    Raises:
        DownloadError: if there is no answer, the answer is an error, or a limit is reached.
    """
    deadline = time.monotonic() + seconds
    try:
        # Some servers turn Python's own name away.
        named = {"User-Agent": "Mozilla/5.0 (course notebook)"}
        request = urllib.request.Request(url, headers=named)
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            received = bytearray()
            while chunk := answer.read1(_CHUNK):
                received += chunk
                if len(received) > max_bytes:
                    raise DownloadError(
                        f"{url} is larger than {max_bytes / 2**20:.0f} MB. Choose a smaller file."
                    )
                if time.monotonic() > deadline:
                    raise TimeoutError
            declared = answer.headers.get("Content-Length", "")
            if declared.isdigit() and len(received) < int(declared):
                raise http.client.IncompleteRead(bytes(received), int(declared) - len(received))
    except urllib.error.HTTPError as error:
        reason = str(error.reason).partition("\n")[0]
        raise DownloadError(
            f"{url} answers {error.code} ({reason}). Open it in a browser and check it."
        ) from None
    except TimeoutError:
        raise DownloadError(
            f"{url} took longer than {seconds:.0f} seconds. Save the file yourself and give its "
            f"path."
        ) from None
    except http.client.InvalidURL:
        raise DownloadError(
            f"{url!r} is no web address: it may hold no spaces and the like. Check the address, or "
            f"save the file and give its path."
        ) from None
    except http.client.HTTPException as error:
        problem = (
            "the answer breaks off"
            if isinstance(error, http.client.IncompleteRead)
            else f"the answer is not HTTP, {type(error).__name__}"
        )
        raise DownloadError(
            f"{url} cannot be fetched ({problem}); a proxy may be in between. Try again, or save "
            f"the file yourself and give its path."
        ) from None
    except (OSError, ValueError) as error:
        if isinstance(error, DownloadError):
            raise
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            reason = "no answer in time"
        raise DownloadError(
            f"{url} cannot be reached ({reason}). Check the address and your network, or save the "
            f"file and give its path."
        ) from None
    return bytes(received)
