"""Find out who handed in what, in a folder as Canvas, Moodle, Gradescope or a person left it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from checkers.engine.gradebook.archives import KINDS, is_ignored
from checkers.engine.gradebook.names import ExportName, parse_export_name, shown, version_of

MAX_DEPTH = 8
MAX_FILES = 200
_METADATA = "submission_metadata.yml"
_MAX_METADATA = 64 * 2**20


class SubmissionsError(ValueError):
    """A folder in which no submission can be found; the message says what to do."""


@dataclass(frozen=True)
class HandedIn:
    """One file as it was handed in, not read yet.

    Attributes:
        path: where it lies.
        name: how the student named it, with folders.
        late: whether the platform marks it as late.
        version: how often it was handed in before, as far as its name tells.
        time: when it was handed in, where the platform's export tells.
    """

    path: Path
    name: str
    late: bool = False
    version: int = 0
    time: datetime | None = None


@dataclass
class Student:
    """One student, or one group, and what was handed in.

    Attributes:
        key: tells this student from all others.
        name: for people; one line.
        ident: the platform's number or address; "" if there is none.
        files: in a fixed order.
        notes: what was passed over, a sentence each.
    """

    key: str
    name: str
    ident: str = ""
    files: list[HandedIn] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_students(folder: Path, results: Path | None = None) -> list[Student]:
    """Everyone who handed something in, in the order of their names.

    Args:
        folder: with a folder or a file for each student.
        results: is passed over if it lies inside.

    Raises:
        SubmissionsError: if there is no such folder, or nothing in it.
    """
    if not folder.exists():
        raise SubmissionsError(f"There is no folder {folder}.")
    if not folder.is_dir():
        raise SubmissionsError(
            f"{folder} is a file. Name the folder that holds a folder or a file for each student; "
            f"a zip of a whole class must be unpacked first."
        )
    folder = _without_wrapper(folder)
    known = _gradescope_students(folder / _METADATA)
    students: dict[str, Student] = {}
    for path in _entries(folder):
        if results is not None and path.is_dir() and path.resolve() == results.resolve():
            continue
        if path.is_dir() and not path.is_symlink():
            _add_folder(students, path, known.get(path.name))
        elif path.is_symlink():
            _add_link(students, path)
        elif path.suffix in (*KINDS, ".zip"):
            export = parse_export_name(path.name, folder=False)
            student = _student(students, export)
            name = export.file or path.name
            student.files.append(HandedIn(path, name, export.late, export.version))
    if not students:
        raise SubmissionsError(
            f"{folder} has no submissions: no folders, and no .ipynb, .py or .zip files."
        )
    return sorted(students.values(), key=lambda student: (student.name.casefold(), student.key))


def _without_wrapper(folder: Path) -> Path:
    """Gradescope wraps its export in one more folder."""
    entries = _entries(folder)
    if len(entries) == 1 and (entries[0] / _METADATA).is_file():
        return entries[0]
    return folder


def _entries(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if not is_ignored(path.name)]
    return sorted(found, key=lambda path: os.fsencode(path.name))


def _student(students: dict[str, Student], export: ExportName) -> Student:
    if export.key not in students:
        students[export.key] = Student(export.key, shown(export.student), shown_ident(export.ident))
    return students[export.key]


def shown_ident(ident: str) -> str:
    """A student's number or address on one line; "" stays ""."""
    return shown(ident) if ident else ""


def _add_folder(students: dict[str, Student], path: Path, known: _Submitted | None) -> None:
    export = parse_export_name(path.name, folder=True)
    student = _student(students, export)
    if known is not None:
        student.name, student.ident = shown(known.names), shown_ident(known.ident)
    add_files(student, path, known.time if known else None)


def add_files(student: Student, folder: Path, time: datetime | None = None) -> None:
    """Add every notebook, Python file and zip in `folder`; links are passed over.

    Args:
        student: gets the files, and notes on what was passed over.
        folder: the student's own.
        time: when it was handed in, if that is known.
    """
    links, too_many = 0, False
    for file in _walk(folder):
        if file.is_symlink():
            links += 1
        elif file.suffix in (*KINDS, ".zip"):
            if len(student.files) >= MAX_FILES:
                too_many = True
                break
            name = file.relative_to(folder).as_posix()
            student.files.append(HandedIn(file, name, version=version_of(file.stem), time=time))
    if links:
        student.notes.append("Links to other files were passed over; only real files are graded.")
    if too_many:
        student.notes.append(f"Only the first {MAX_FILES} notebooks and Python files were read.")


def _add_link(students: dict[str, Student], path: Path) -> None:
    student = _student(students, parse_export_name(path.name, folder=False))
    student.notes.append(f"{shown(path.name)} is a link to another file and was passed over.")


def _walk(folder: Path) -> Iterator[Path]:
    """Files below `folder` in a fixed order, links as themselves, to a bounded depth."""
    for here, folders, files in os.walk(folder, followlinks=False):
        depth = len(Path(here).relative_to(folder).parts)
        linked = [name for name in folders if (Path(here) / name).is_symlink()]
        folders[:] = sorted(
            name
            for name in folders
            if not is_ignored(name) and name not in linked and depth < MAX_DEPTH
        )
        for name in sorted([*files, *linked]):
            if not is_ignored(name):
                yield Path(here) / name


@dataclass(frozen=True)
class _Submitted:
    names: str
    ident: str
    time: datetime | None


def _gradescope_students(path: Path) -> Mapping[str, _Submitted]:
    """Who is behind each "submission_123456" folder; empty without Gradescope's file."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_METADATA:
            return {}
        loaded = yaml.load(
            path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError):
        raise SubmissionsError(
            f"{path} cannot be read as YAML. Download the export from Gradescope again."
        ) from None
    if not isinstance(loaded, dict):
        return {}
    return {
        str(name): _submitted(str(name), entry)
        for name, entry in loaded.items()
        if isinstance(entry, dict)
    }


def _submitted(folder: str, entry: dict[str, Any]) -> _Submitted:
    submitters = entry.get(":submitters") or entry.get("submitters") or []
    people = [person for person in submitters if isinstance(person, dict)]
    names = [str(_value(person, "name") or "") for person in people]
    idents = [str(_value(person, "sid") or _value(person, "email") or "") for person in people]
    time = _value(entry, "created_at")
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            time = None
    if isinstance(time, datetime):
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
    else:
        time = None
    return _Submitted(
        ", ".join(filter(None, names)) or folder, ", ".join(filter(None, idents)), time
    )


def _value(entry: dict[str, Any], key: str) -> Any:
    return entry.get(f":{key}", entry.get(key))
