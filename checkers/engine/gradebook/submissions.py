"""Find out who handed in what, in a folder as Canvas, Moodle, Gradescope or a person left it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from checkers.engine.gradebook.archives import is_ignored
from checkers.engine.gradebook.names import (
    ExportName,
    alphabetical,
    lies_beside,
    parse_export_name,
    shown,
    split_ending,
    version_of,
)
from checkers.engine.gradebook.own_files import course_folders, is_in_course, is_library
from checkers.engine.submission import kind_of

MAX_DEPTH = 8
MAX_FILES = 200
_SHOWN_NAMES = 5
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
        columns: what Canvas or Moodle call this student, by the headings of their own tables.
    """

    key: str
    name: str
    ident: str = ""
    files: list[HandedIn] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)


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
        elif _is_handed_in(path.name):
            export = parse_export_name(path.name, folder=False)
            student = _student(students, export)
            name = export.file or path.name
            student.files.append(HandedIn(path, name, export.late, export.version))
    if not students:
        raise SubmissionsError(
            f"{folder} has no submissions: no folders, and no .ipynb, .py, .zip or .tar files."
        )
    return sorted(students.values(), key=lambda student: (alphabetical(student.name), student.key))


def passed_over(folder: Path) -> list[str]:
    """Names of the files in a class's folder that nobody is taken to have handed in."""
    return [
        shown(path.name)
        for path in _entries(_without_wrapper(folder))
        if path.is_file() and not path.is_symlink() and not _is_handed_in(path.name)
    ]


def _is_handed_in(name: str) -> bool:
    """Whether a file in a class's folder is somebody's, readable or not.

    A name as a platform writes it says so; so does an ending that is not of lists and notes.
    """
    if kind_of(name) or parse_export_name(name, folder=False).ident:
        return True
    return not lies_beside(name)


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
        student = Student(export.key, shown(export.student), shown_ident(export.ident))
        if export.key == f"canvas:{export.ident}":
            student.columns = {"Student": student.name, "ID": student.ident}
        elif export.key == f"moodle:{export.ident}":
            identifier = f"Participant {student.ident}"
            student.columns = {"Identifier": identifier, "Full name": student.name}
        students[export.key] = student
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
    """Add what is, or else what may be, an answer in `folder`.

    Links, libraries and the course's own folders are passed over.

    Args:
        student: gets the files, and notes on what was passed over.
        folder: the student's own.
        time: when it was handed in, if that is known.
    """
    found, troubles = _walk(folder)
    names = [file.relative_to(folder).as_posix() for file in found]
    course = course_folders(names)
    links = [file for file in found if file.is_symlink()]
    own = [n for n in names if is_in_course(n, course)]
    files = [
        (name, file)
        for name, file in zip(names, found, strict=True)
        if not file.is_symlink() and name not in set(own)
    ]
    answers = [(name, file) for name, file in files if kind_of(name)]
    others = [(name, file) for name, file in files if not kind_of(name)]
    # Notebooks first: they are what the limit must not hide.
    answers.sort(key=lambda one: (kind_of(one[0]) != ".ipynb", one[0]))
    if not answers:
        answers = [one for one in others if not lies_beside(one[0])]
    taken = {name for name, _ in answers}
    for name, file in answers[: MAX_FILES - len(student.files)]:
        version = version_of(split_ending(file.name)[0])
        student.files.append(HandedIn(file, name, version=version, time=time))
    if len(answers) > MAX_FILES:
        student.notes.append(f"Only the first {MAX_FILES} notebooks and Python files were read.")
    if links:
        student.notes.append("Links to other files were passed over; only real files are graded.")
    if own:
        student.notes.append(
            f"{len(own)} files of the course itself, in {_some(own)}, were left aside."
        )
    if passed := [name for name, _ in others if name not in taken]:
        student.notes.append(f"Passed over: {_some(passed)}.")
    student.notes += troubles


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(map(shown, names[:_SHOWN_NAMES])) + (f" and {more} more" if more > 0 else "")


def _add_link(students: dict[str, Student], path: Path) -> None:
    student = _student(students, parse_export_name(path.name, folder=False))
    student.notes.append(f"{shown(path.name)} is a link to another file and was passed over.")


def _walk(folder: Path) -> tuple[list[Path], list[str]]:
    """Files below `folder` in a fixed order, links as themselves, and sentences on troubles."""
    found: list[Path] = []
    troubles: list[str] = []

    def cannot_be_read(error: OSError) -> None:
        name = shown(Path(error.filename).name)
        troubles.append(f"The folder {name} cannot be read: {error.strerror}.")

    for here, folders, files in os.walk(folder, followlinks=False, onerror=cannot_be_read):
        depth = len(Path(here).relative_to(folder).parts)
        linked = [name for name in folders if (Path(here) / name).is_symlink()]
        below = sorted(
            name
            for name in folders
            if not is_ignored(name) and not is_library(name) and name not in linked
        )
        if below and depth >= MAX_DEPTH:
            troubles.append(
                f"{_some(below)}: more than {MAX_DEPTH} folders deep, and passed over. Move the "
                f"notebook further up."
            )
            below = []
        folders[:] = below
        found += [Path(here) / n for n in sorted([*files, *linked]) if not is_ignored(n)]
    return found, troubles


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
