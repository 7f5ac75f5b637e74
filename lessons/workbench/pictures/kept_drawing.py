"""A drawing's file beside the notebook: what was drawn last is there again; none is replaced."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from PIL import Image

from lessons.workbench.pictures.saving import free_path

_PREFIX = "data:image/png;base64,"


class KeptDrawing:
    """The file of one drawing, written anew while it is drawn; each next one has its own.

    Args:
        path: a PNG file, relative to the notebook; None keeps nothing.
    """

    def __init__(self, path: str | Path | None) -> None:
        self._path = Path(path).expanduser() if path is not None else None
        self._own: Path | None = None  # begun by this pad

    def newest(self) -> str:
        """What was kept last, as a data URL; "" if nothing was, or none can be read."""
        if self._path is None:
            return ""
        name = re.compile(rf"{re.escape(self._path.stem)}(_\d+)?\.png")
        found = [p for p in self._path.parent.glob("*.png") if name.fullmatch(p.name)]
        for path in sorted(found, key=lambda p: p.stat().st_mtime_ns, reverse=True):
            try:
                with Image.open(path) as image:
                    image.load()
                return _PREFIX + base64.b64encode(path.read_bytes()).decode()
            except (OSError, ValueError, SyntaxError):  # Pillow's, for damaged pictures
                continue
        return ""

    def save(self, png: str) -> str:
        """Keep what is drawn.

        Args:
            png: a data URL; "" when all was wiped away, and a new drawing begins.

        Returns:
            A sentence for the student: where it lies.
        """
        if self._path is None or not png:
            self._own = None
            return self.told(False)
        try:
            own = self._own or free_path(self._path, ".png")
            unfinished = own.with_name(own.name + ".partial")
            unfinished.write_bytes(base64.b64decode(png.removeprefix(_PREFIX)))
            unfinished.replace(own)
        except OSError as error:
            return (
                f"It can't be kept in {self._path} ({error.strerror}), so it is there only until "
                f"the kernel ends."
            )
        self._own = own
        return f"Kept in {own}, beside the notebook. Run the next cell to go on with it."

    def told(self, kept: bool) -> str:
        """What to do with an untouched pad; `kept`: an earlier drawing is on it."""
        if kept:
            return "This is what you drew last. Change it, or run the next cell to go on with it."
        return "Draw, then run the next cell. Until you do, the lesson goes on with what is there."
