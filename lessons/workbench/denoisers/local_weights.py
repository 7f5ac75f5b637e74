"""The parts of a model that somebody saved in a folder: which weights there are, and if all of it.

A part is a folder such as `unet`, as `save_pretrained` of diffusers and transformers writes it: one
file of weights or several with an index, in a format and perhaps in a variant (`fp16`) of its own.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

HALF = "fp16"
_FORMATS = (".safetensors", ".bin")
_POINTER = b"version https://git-lfs"
_LARGEST_POINTER = 1024


def loading_options(part: Path) -> dict[str, Any]:
    """The options with which `from_pretrained` finds a part's weights: their variant and format."""
    files = _weights_of(part)
    options: dict[str, Any] = {}
    if files and f".{HALF}" in files[0].name:
        options["variant"] = HALF
    if files and files[0].suffix == ".bin":
        options["use_safetensors"] = False  # else diffusers does not look for several files
    return options


def problem_with_weights(part: Path) -> str:
    """Why the weights of a part can't be loaded, for a person; "" if nothing seems wrong.

    Nothing is loaded: files are looked for, and looked at where they say how long they should be.
    """
    if problem := problem_with_files(part, "config.json"):
        return problem
    files = _weights_of(part)
    if not files:
        return f"{part.name} holds no weights"
    if missing := sorted(_listed(part, files) - {file.name for file in files}):
        return f"{part.name}/{missing[0]} is missing"
    return next(filter(None, map(problem_with_file, files)), "")


def problem_with_files(part: Path, *names: str) -> str:
    """Why one of a part's small files can't be read, for a person; "" if nothing seems wrong.

    Args:
        part: the folder.
        names: of files, one of which must be there.
    """
    if not any((part / name).is_file() for name in names):
        return f"{part.name}/{names[0]} is missing"
    small = (path for path in part.iterdir() if path.is_file() and path.suffix not in _FORMATS)
    return next(filter(None, map(problem_with_file, sorted(small))), "")


def problem_with_file(file: Path) -> str:
    """Why a file can't be what it is named as; "" if nothing seems wrong."""
    name = f"{file.parent.name}/{file.name}"
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            start = opened.read(len(_POINTER))
        if size <= _LARGEST_POINTER and start == _POINTER:
            return f"{name} is a Git LFS pointer, not the file itself"
        is_zip = start.startswith(b"PK")
        if not start:
            return f"{name} is empty"
        if file.suffix == ".safetensors" and not _is_whole(file):
            return f"{name} is cut short or damaged"
        if file.suffix == ".bin" and is_zip and not zipfile.is_zipfile(file):
            return f"{name} is cut short or damaged"
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        return f"{name} can't be read ({error.strerror})"
    except ValueError:
        return f"{name} is damaged"
    return ""


def _weights_of(part: Path) -> list[Path]:
    """The weights to take: of full precision if they are there, in the format looked for first."""
    for half in (False, True):
        for suffix in _FORMATS:
            found = [file for file in part.glob(f"*{suffix}") if (f".{HALF}" in file.name) == half]
            if found:
                return sorted(found)
    return []


def _listed(part: Path, files: list[Path]) -> set[str]:
    """The names in the index that belongs to these weights; none if there is no index."""
    half, suffix = f".{HALF}" in files[0].name, files[0].suffix
    for index in part.glob(f"*{suffix}*.json"):  # diffusers has named it in several ways
        if "index" in index.name and (f".{HALF}" in index.name) == half:
            try:
                return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                return {index.name}
    return set()


def _is_whole(file: Path) -> bool:
    """Whether a safetensors file is as long as its header says."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt"):
            return True
    except SafetensorError:
        return False
