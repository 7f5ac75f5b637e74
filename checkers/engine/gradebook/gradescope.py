"""Build an autograder for Gradescope: a zip with setup.sh and run_autograder at its root."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from checkers.engine.gradebook.own_files import DIGESTS, own_digests_text
from checkers.engine.gradebook.settings import Settings
from checkers.engine.registry import ROOT

SETTINGS = "autograder.json"
_SCRIPTS = ("setup.sh", "run_autograder")
_FOLDERS = (
    "checkers",
    "solutions",
    "lessons",
    "datasets/atlas",
    "datasets/patches",
    "datasets/pictures",
)
_FILES = ("pyproject.toml", "README.md", "LICENSE")
_KINDS = {".py", ".pyi", ".toml", ".ipynb", ".html", ".js", ".css", ".json", ".webp", ".png"}
_KINDS |= {".sh", ".md", ".txt", ".safetensors"}
_DATE = (2020, 1, 1, 0, 0, 0)


class AutograderError(ValueError):
    """An autograder that can't be written; the message says what to do."""


def build_autograder(target: Path, settings: Settings) -> int:
    """Write the zip and return how many files it has.

    Args:
        target: the zip to write; must not exist.
        settings: which lessons count, and how much; written into the zip.

    Raises:
        AutograderError: if `target` exists or can't be written.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for script in _SCRIPTS:
            source = files("checkers.engine.gradebook").joinpath("templates", script)
            add_to_zip(archive, script, source.read_bytes(), executable=True)
        add_to_zip(archive, f"course/{SETTINGS}", settings.model_dump_json(indent=2).encode())
        # The solved notebooks stay at home; what they are must be known all the same.
        add_to_zip(archive, f"course/{DIGESTS}", own_digests_text().encode())
        for path in course_files():
            add_to_zip(archive, f"course/{path.relative_to(ROOT).as_posix()}", path.read_bytes())
        count = len(archive.namelist())
    try:
        with target.open("xb") as file:
            file.write(content.getvalue())
    except FileExistsError:
        raise AutograderError(f"{target} exists already. Move it away or name another.") from None
    except OSError as error:
        raise AutograderError(f"{target} cannot be written: {error.strerror}.") from None
    return count


def course_files() -> Iterator[Path]:
    """What checks need of the course, in a fixed order; no solved notebooks, no data sets."""
    yield from (ROOT / name for name in _FILES)
    for folder in _FOLDERS:
        for here, folders, names in os.walk(ROOT / folder):
            folders[:] = sorted(
                name for name in folders if name != "notebooks" and name[0] not in "._"
            )
            for name in sorted(names):
                path = Path(here) / name
                if path.suffix in _KINDS or path.name in _SCRIPTS or "licenses" in path.parts:
                    yield path


def add_to_zip(
    archive: zipfile.ZipFile, name: str, content: bytes, *, executable: bool = False
) -> None:
    """Add a file with a fixed date: the same course gives the same zip."""
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (0o100755 if executable else 0o100644) << 16
    archive.writestr(entry, content)
