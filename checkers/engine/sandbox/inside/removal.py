"""Remove what a submission has left, however deep it is nested."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def remove_tree(folder: str | Path) -> None:
    """Remove a folder and all in it, as far as that is allowed."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):  # Python's own way goes one call deeper for every folder
        if (rm := shutil.which("rm")) is not None:
            command = [rm, "-rf", "--", str(folder)]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
