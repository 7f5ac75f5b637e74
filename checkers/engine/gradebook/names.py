"""What the names of exported submissions say, and names that are safe to show and to write."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

# doejane_LATE_12345_67890_file-1.ipynb: name, LATE if so, user, submission, the student's own name
_CANVAS = re.compile(
    r"(?P<name>[^_]+(?:_[^_]+)*?)_(?:(?P<late>LATE)_)?(?P<id>\d+)_(?P<submission>\d+)"
    r"_(?P<file>.+)",
    re.DOTALL,
)
# anon_4711_12345_hw.ipynb, LATE_anon_4711_12345_hw.ipynb: marked without names
_ANONYMOUS = re.compile(
    r"(?:(?P<late>LATE)_)?anon_(?:(?P<late_too>LATE)_)?(?P<id>[A-Za-z0-9]+)_"
    r"(?:(?P<late_then>LATE)_)?(?P<submission>\d+)_(?P<file>.+)",
    re.DOTALL,
)
# Jane Doe_12345_assignsubmission_file_ (a folder), or with the file's name after it
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?", re.DOTALL
)
_CANVAS_AGAIN = re.compile(r"-(\d{1,3})$")
_LAST_NUMBER = re.compile(r"(?:[ _-]v?|\()(\d{1,3})\)?$", re.IGNORECASE)
_MOODLE_MARK = "_assignsubmission_"
_LONG_ID = 3
# jane.ipynb, jane.tar.gz, jane.ipynb.json; a name such as "v1.2 jane.py" keeps its own dots
_ENDING = re.compile(r"(?:(?<=.)\.(?:tar|ipynb|py)\.\w+|(?<=.)\.[^. /]+|)$")
# What lies beside hand-ins and is none: lists, notes, data, pictures.
_BESIDE = frozenset(
    {".csv", ".tsv", ".xls", ".xlsx", ".ods", ".yml", ".yaml", ".toml", ".md", ".txt", ".log"}
    | {".json", ".xml", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".npy", ".npz", ".pt"}
    | {".pth", ".ckpt", ".safetensors", ".pyc", ".ini", ".cfg", ".lock", ".pyi", ".css", ".js"}
    | {""}
)
# Letters that Unicode doesn't take apart into one of the alphabet and a mark.
_STROKES = str.maketrans("øłđðħı", "olddhi") | str.maketrans({"æ": "ae", "œ": "oe"})
_MAX_SHOWN = 120
_MAX_SLUG = 48


@dataclass(frozen=True)
class ExportName:
    """What a learning platform writes into the name of a submission.

    Attributes:
        key: the same for everything one student handed in.
        student: the student's name, as far as the name tells it.
        ident: the platform's number for the student; "" if there is none.
        file: the file's name as the student gave it; "" for a folder.
        late: whether the platform marks it as late.
        version: how often it was handed in before, if the name tells.
    """

    key: str
    student: str
    ident: str = ""
    file: str = ""
    late: bool = False
    version: int = 0


def parse_export_name(name: str, *, folder: bool) -> ExportName:
    """Read a name as Canvas or Moodle writes it; any other name is the student's.

    Args:
        name: of a file, with its suffix, or of a folder.
        folder: which of the two.
    """
    # One student's name has one key, however its Umlaut is written.
    name = unicodedata.normalize("NFC", name)
    if found := _ANONYMOUS.fullmatch(name):
        late = any(found[group] for group in ("late", "late_too", "late_then"))
        file, version = _without_version(found["file"])
        key = f"canvas:anon:{found['id']}"
        return ExportName(key, f"anon {found['id']}", found["id"], file, late, version)
    canvas = _CANVAS.fullmatch(name)
    if canvas and _MOODLE_MARK not in canvas["name"]:
        file, version = _without_version(canvas["file"])
        key = f"canvas:{canvas['id']}"
        if len(canvas["id"]) < _LONG_ID:  # may be no number of a student's at all
            key += f":{canvas['name']}"
        return ExportName(key, canvas["name"], canvas["id"], file, bool(canvas["late"]), version)
    if found := _MOODLE.fullmatch(name):
        file = found["file"] or ""
        return ExportName(f"moodle:{found['id']}", found["name"], found["id"], file)
    if folder:
        return ExportName(f"name:{name}", name)
    stem, _ = split_ending(name)
    return ExportName(f"name:{stem}", stem, file=name)


def _without_version(file: str) -> tuple[str, int]:
    """The student's own name of a file, and how often it was handed in before: "hw-1.ipynb"."""
    stem, ending = split_ending(file)
    if ending and (again := _CANVAS_AGAIN.search(stem)):
        return stem[: again.start()] + ending, int(again[1])
    return file, 0


def split_ending(name: str) -> tuple[str, str]:
    """A file's name without its ending, and the ending: ".ipynb", ".tar.gz", ".ipynb.json"."""
    found = _ENDING.search(name)
    place = found.start() if found else len(name)
    return name[:place], name[place:]


def lies_beside(name: str) -> bool:
    """Whether a file's ending says that it lies beside answers and is none."""
    return split_ending(name)[1].lower() in _BESIDE


def version_of(stem: str) -> int:
    """The number that a file's name ends with, as in "answers-2" or "answers (2)"; else 0."""
    found = _LAST_NUMBER.search(stem)
    return int(found[1]) if found else 0


def alphabetical(name: str) -> str:
    """What to sort a name by: among its letters without their marks, as "Çelik" is among the C."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_STROKES))
    return "".join(sign for sign in letters if not unicodedata.combining(sign))


def shown(text: str) -> str:
    """`text` on one line: control and direction characters become spaces, and it is not long."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = unicodedata.normalize("NFC", text)
    plain = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    plain = " ".join(plain.split()) or "(no name)"
    return plain if len(plain) <= _MAX_SHOWN else plain[: _MAX_SHOWN - 3] + "..."


def file_stem(key: str, name: str) -> str:
    """A file name for a student: ASCII letters, digits and hyphens, and never another student's.

    Args:
        key: what tells this student from all others.
        name: what people should recognise.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")[:_MAX_SLUG].strip("-")
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:10]
    return f"{slug or 'student'}-{digest}"
