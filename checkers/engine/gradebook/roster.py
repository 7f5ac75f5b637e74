"""Who is enrolled: a list as Canvas or Moodle gives it out, or one of names and numbers.

Canvas: the gradebook's own download (Student, ID, SIS User ID, SIS Login ID, Section, ...), as
`lib/gradebook_exporter.rb` of canvas-lms writes it. Moodle: an assignment's grading worksheet
(Identifier, Full name, Email address, ...), as `mod/assign/gradingtable.php` writes it, or the list
of participants (First name, Last name, Email address).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checkers.engine.gradebook.names import alphabetical, shown
from checkers.engine.gradebook.submissions import Student, shown_ident

CANVAS_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
MOODLE_COLUMNS = ("Identifier", "Full name", "Email address", "Last modified (grade)")
_MAX_BYTES = 16 * 2**20
_SHOWN_NAMES = 5
# What columns of names, numbers and addresses are called, in lower case.
_NAMES = ("student", "full name", "name", "student name")
_FIRST, _LAST = ("first name", "firstname", "given name"), ("last name", "lastname", "surname")
_IDENTS = ("sis user id", "id number", "student id", "id", "sid", "number", "identifier")
_LOGINS = ("sis login id", "login", "username", "login id", "email address", "email")
_NOBODY = re.compile(r"points possible|student, test|\(read only\)", re.IGNORECASE)
_PLATFORMS = (("canvas:", "ID"), ("moodle:", "Identifier"))
_PARTICIPANT = re.compile(r"participant (\d+)", re.IGNORECASE)


class RosterError(ValueError):
    """A roster that cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Enrolled:
    """One line of the roster.

    Attributes:
        name: as the roster writes it, on one line.
        ident: the number or address to show.
        columns: what the roster says under the headings that Canvas or Moodle know.
        idents: all numbers and addresses, made comparable.
        spellings: of the name.
    """

    name: str
    ident: str
    columns: dict[str, str]
    idents: frozenset[str]
    spellings: frozenset[str]


@dataclass(frozen=True)
class Roster:
    """Everyone enrolled.

    Attributes:
        everyone: in the roster's own order.
        headings: of all its columns: Canvas's names of assignments stand among them.
    """

    everyone: tuple[Enrolled, ...] = ()
    headings: tuple[str, ...] = ()


def load_roster(path: Path) -> Roster:
    """Read a roster in CSV, separated by commas, semicolons or tabs.

    Raises:
        RosterError: in one sentence.
    """
    rows = _rows(path)
    headings = [cell.strip() for cell in rows[0]]
    places = {heading.casefold(): place for place, heading in reversed([*enumerate(headings)])}
    if not _has_heading(places):
        if len(headings) != 2:
            raise RosterError(
                f"{path.name} has no column of names; Canvas's gradebook, Moodle's grading "
                f"worksheet or two columns, name and id, are understood."
            )
        places, headings, rows = {"name": 0, "id": 1}, ["name", "id"], [["name", "id"], *rows]
    everyone = tuple(filter(None, (_enrolled(row, places) for row in rows[1:])))
    if not everyone:
        raise RosterError(f"{path.name} names nobody.")
    _refuse_twins(path, everyone)
    return Roster(everyone, tuple(headings))


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
        if len(data) > _MAX_BYTES or "\0" in text:
            raise ValueError
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row)]
    except OSError as error:
        raise RosterError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, csv.Error):
        raise RosterError(f"{path.name} is no CSV file in UTF-8; save it as one.") from None
    if not rows:
        raise RosterError(f"{path.name} is empty.")
    return rows


def _has_heading(places: dict[str, int]) -> bool:
    return any(name in places for name in (*_NAMES, *_LAST))


def _enrolled(row: Sequence[str], places: dict[str, int]) -> Enrolled | None:
    def cell(*headings: str) -> str:
        found = (row[places[h]].strip() for h in headings if h in places and places[h] < len(row))
        return next(filter(None, found), "")

    whole = f"{cell(*_FIRST)} {cell(*_LAST)}".strip()
    name = cell(*_NAMES) or whole
    if not name or _NOBODY.search(name):
        return None
    known = {h.casefold(): h for h in (*CANVAS_COLUMNS, *MOODLE_COLUMNS)}
    columns = {known[h]: cell(h) for h in places if h in known and cell(h)}
    if "section" in places and "Student" not in columns:
        columns["Student"] = name  # Canvas's download with first and last names apart
    elif not {"Student", "Identifier"} & {*columns}:
        columns = {}  # neither Canvas's nor Moodle's
    idents = {comparable(cell(h)) for h in (*_IDENTS, *_LOGINS)}
    idents |= {comparable(number) for number in _PARTICIPANT.findall(cell("identifier"))}
    ident = cell(*_IDENTS[:5]) or cell(*_LOGINS) or cell("identifier")
    return Enrolled(
        shown(name),
        shown_ident(ident),
        columns,
        frozenset(idents - {""}),
        frozenset(spellings(shown(name))),
    )


def _refuse_twins(path: Path, everyone: Iterable[Enrolled]) -> None:
    seen: dict[str, str] = {}
    for enrolled in everyone:
        if enrolled.ident and seen.setdefault(enrolled.ident, enrolled.name) != enrolled.name:
            raise RosterError(
                f"{path.name} gives {enrolled.ident} to {seen[enrolled.ident]} and "
                f"{enrolled.name}; make it one student's."
            )


def comparable(text: str) -> str:
    """A name, number or address as letters and digits alone, accents and case left out."""
    return "".join(sign for sign in alphabetical(text) if sign.isalnum())


def spellings(name: str) -> set[str]:
    """A person's name in the orders it is written in: "Doe, Jane", "Jane Doe", "doejane"."""
    words = [comparable(word) for word in re.split(r"[\s,_.-]+", name)]
    words = [word for word in words if word]
    orders = [words[place:] + words[:place] for place in range(len(words))]
    return {"".join(order) for order in orders} | {"".join(sorted(words))}


@dataclass
class Enrolment:
    """A class brought together with its roster.

    Attributes:
        students: everyone enrolled, absent ones too, and whoever else handed something in.
        unknown: names of those that the roster does not have.
    """

    students: list[Student] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def enrol(students: Sequence[Student], roster: Roster) -> Enrolment:
    """Give every enrolled student a place, with what was handed in under that name or number.

    Who handed in together (Gradescope's groups) gets the same files each.
    """
    found = Enrolment()
    places: dict[int, Student] = {}
    for student in students:
        parts = _people(student, roster)
        for enrolled in parts:
            mine = places.get(id(enrolled))
            if mine is None:
                mine = places[id(enrolled)] = Student(
                    student.key if len(parts) == 1 else _key(enrolled),
                    enrolled.name,
                    enrolled.ident,
                    columns=enrolled.columns or student.columns,
                )
            mine.files += student.files
            mine.notes += student.notes
            if len(parts) > 1:
                others = ", ".join(one.name for one in parts if one is not enrolled)
                mine.notes.append(f"Handed in together with {others}.")
        if not parts:
            found.students.append(student)
            found.unknown.append(student.name)
    for enrolled in roster.everyone:
        absent = Student(_key(enrolled), enrolled.name, enrolled.ident, columns=enrolled.columns)
        found.students.append(places.get(id(enrolled), absent))
    found.students.sort(key=lambda student: (alphabetical(student.name), student.key))
    return found


def _key(enrolled: Enrolled) -> str:
    return f"roster:{enrolled.ident or enrolled.name}"


def _people(student: Student, roster: Roster) -> list[Enrolled]:
    """Whom of the roster a submission is from; nobody if that can't be told."""
    heading = next((h for kind, h in _PLATFORMS if student.key.startswith(kind)), "")
    if any(heading in one.columns for one in roster.everyone):
        # The platform's own number, which may be somebody else's number at the university.
        mine = student.columns.get(heading, "")
        found = [one for one in roster.everyone if mine and one.columns.get(heading) == mine]
        return found or list(filter(None, [_person([], [student.name], roster)]))
    numbers, names = student.ident.split(", "), student.name.split(", ")
    alone = _person([student.ident, student.name], [student.name], roster)
    if alone is not None:
        return [alone]
    if len(names) > 1:
        pairs = zip(numbers if len(numbers) == len(names) else names, names, strict=True)
        group = [_person([number], [name], roster) for number, name in pairs]
        if all(group):
            return [one for one in group if one is not None]
    return []


def _person(idents: list[str], names: list[str], roster: Roster) -> Enrolled | None:
    """The one whose number it is, or else the only one of that name."""
    wanted = {comparable(ident) for ident in idents} - {""}
    by_ident = [one for one in roster.everyone if wanted & one.idents]
    if len(by_ident) == 1:
        return by_ident[0]
    spelled = set().union(*(spellings(name) for name in names)) - {""}
    by_name = [one for one in roster.everyone if spelled & one.spellings]
    return by_name[0] if len(by_name) == 1 and not by_ident else None


def find_student(text: str, students: Iterable[Student]) -> Student:
    """The student whom a name, a number or an address means.

    Raises:
        RosterError: if it is nobody, or more than one.
    """
    wanted, spelled = comparable(text), spellings(text)
    everyone = list(students)
    found = [s for s in everyone if wanted and wanted in set(_idents(s))]
    found = found or [s for s in everyone if spelled & spellings(s.name)]
    if not found:
        raise RosterError(f"Nobody in the class is called {shown(text)!r} or has that number.")
    if len(found) > 1:
        names = ", ".join(f"{s.name} ({s.ident or s.key})" for s in found[:_SHOWN_NAMES])
        raise RosterError(f"{shown(text)!r} may be {names}; say the number.")
    return found[0]


def _idents(student: Student) -> Iterator[str]:
    yield comparable(student.ident)
    yield from (comparable(part) for part in student.ident.split(", "))
    for heading, value in student.columns.items():
        if heading not in ("Student", "Full name", "Section", "Last modified (grade)"):
            yield comparable(value)
        if heading == "Identifier":  # Moodle's "Participant 10472": the number is on the folders
            yield comparable(value.split()[-1] if value.split() else "")
