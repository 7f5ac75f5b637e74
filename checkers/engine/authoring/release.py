"""A copy of the course without answers: what students get where solutions are not given away.

Lessons, the workbench, the data, the lessons' cases and probes; in place of `solutions` their
stubs, but for those of lessons whose date has passed; in place of the known mistakes, what they and
the reference do on a few seeds (`checkers.engine.outcomes`). `check` works there as it does here.
"""

from __future__ import annotations

import ast
import io
import json
import secrets
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from pydantic import AwareDatetime, Field

from checkers.engine.authoring.notebooks import stub_source
from checkers.engine.authoring.released_lesson import tag_what_may_fail
from checkers.engine.exercise import Case, Exercise
from checkers.engine.gradebook.gradescope import add_to_zip, course_files
from checkers.engine.gradebook.own_files import DIGESTS, own_digests_text
from checkers.engine.gradebook.settings import SettingsError, Strict, read_toml
from checkers.engine.grading import Trial, seed_of_case
from checkers.engine.memory import Memory
from checkers.engine.outcomes import INDEX, NAME, member, packed
from checkers.engine.registry import ROOT, Lesson, UnknownLessonError, all_lessons, find_lesson
from checkers.engine.sandbox.inside.plain import encode
from checkers.engine.sandbox.inside.running import ordinary_torch

FOLDER = "diffusion-by-building"
_ANSWERS = {"mistakes.toml", "mistakes.py", "right_answers.py", NAME}
_UNWRITTEN = "raise NotImplementedError"
_GIVEN = ast.Import | ast.ImportFrom | ast.Expr
WEIGHTS = ROOT / "datasets" / "weights"
_MORE_FILES = ("Makefile", "constraints.txt", "environment.yml")


class ReleaseError(ValueError):
    """A copy that can't be made; the message is one sentence."""


class Release(Strict):
    """What goes into the copy.

    Attributes:
        lessons: numbers, names or spans such as "01-08"; all without it.
        seeds: how many different inputs a check may draw; each takes up to 10 MB a
            lesson, in 15, 16 and 19 up to 65.
        solutions_from: when a lesson's solution may go along, for the lessons after it; never
            without a date.
    """

    lessons: list[str] = Field(default_factory=list)
    seeds: int = Field(default=2, ge=1, le=20)
    solutions_from: dict[str, AwareDatetime] = Field(default_factory=dict)


def load_release(path: Path | None, lessons: str | None) -> Release:
    """Read `release.toml`; lessons named on the command line come first.

    Raises:
        SettingsError: in one sentence.
    """
    release = Release() if path is None else read_toml(path, Release)
    if lessons is not None:
        release = release.model_copy(update={"lessons": lessons.split(",")})
    try:
        dates = {find_lesson(text).name: date for text, date in release.solutions_from.items()}
    except UnknownLessonError as error:
        raise SettingsError(f"release: {error}") from None
    return release.model_copy(update={"solutions_from": dates})


def lessons_of(release: Release) -> list[Lesson]:
    """The lessons that go into the copy, in the order of the course.

    Raises:
        UnknownLessonError: if one does not exist.
    """
    wanted: set[Lesson] = set()
    for text in release.lessons:
        first, _, last = text.strip().partition("-")
        ends = find_lesson(first), find_lesson(last or first)
        wanted |= {
            each for each in all_lessons() if ends[0].number <= each.number <= ends[1].number
        }
    return [each for each in all_lessons() if each in wanted or not release.lessons]


def build_release(
    target: Path,
    release: Release,
    now: datetime | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Write the zip; the names of the lessons whose solutions go along.

    Args:
        target: the zip to write; must not exist.
        release: what goes into it.
        now: decides which solutions may.
        tell: is told which exercise is being worked out, as that takes a while.

    Raises:
        ReleaseError, UnknownLessonError: in one sentence, before anything is written.
    """
    lessons = lessons_of(release)
    now = now or datetime.now(UTC)
    given = [name for name, date in release.solutions_from.items() if date <= now]
    seeds = [secrets.randbits(40) for _ in range(release.seeds)]
    try:
        file = target.open("xb")
        try:
            with file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in _files(lessons, given, seeds, tell):
                    add_to_zip(archive, f"{FOLDER}/{name}", content)
        except BaseException:
            target.unlink(missing_ok=True)  # half a copy is none
            raise
    except FileExistsError:
        raise ReleaseError(f"{target} exists already. Move it away or name another.") from None
    except OSError as error:
        raise ReleaseError(f"{target} cannot be written: {error.strerror}.") from None
    return given


def _files(
    lessons: Sequence[Lesson],
    given: Sequence[str],
    seeds: list[int],
    tell: Callable[[str], None],
) -> Iterator[tuple[str, bytes]]:
    names = {lesson.name for lesson in lessons}
    withheld = {each.name: each for each in all_lessons() if each.name not in given}
    for path in (*course_files(), *(ROOT / name for name in _MORE_FILES)):
        place = path.relative_to(ROOT)
        if place.name in _ANSWERS or str(place) == "README.md" or not _is_released(place, names):
            continue
        if place.parts[0] == "solutions" and path.stem in withheld:
            yield place.as_posix(), stub_module(withheld[path.stem]).encode()
        elif path.suffix == ".ipynb":
            yield place.as_posix(), _notebook(path, withheld.values()).encode()
        else:
            yield place.as_posix(), path.read_bytes()
    if any(_uses_weights(lesson) for lesson in lessons):
        for path in sorted(WEIGHTS.iterdir()):
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    yield "README.md", readme(lessons).encode()
    yield DIGESTS, own_digests_text().encode()
    for number, lesson in enumerate(lessons, 1):
        place = f"lesson {lesson.number} ({number} of {len(lessons)})"
        yield f"checkers/{lesson.name}/mistakes.toml", sentences(lesson).encode()
        content = outcomes(
            lesson.exercises, seeds, lambda name, place=place: tell(f"{place}, {name}")
        )
        yield f"checkers/{lesson.name}/{NAME}", content


def _notebook(path: Path, withheld: Iterable[Lesson]) -> str:
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    tag_what_may_fail(notebook, {name for lesson in withheld for name in lesson.exercise_names})
    return nbformat.writes(notebook)


def _uses_weights(lesson: Lesson) -> bool:
    """Whether its notebook loads trained networks or what was measured of them."""
    text = lesson.notebook.read_text(encoding="utf-8")
    return "solutions.trained" in text or "load_digit_classifier" in text


def readme(lessons: Sequence[Lesson]) -> str:
    """The copy's first page."""
    listed = "\n".join(f"- `lessons/{lesson.notebook.name}`" for lesson in lessons)
    return f"""# Learn diffusion models by building them

`make lessons` sets everything up and opens JupyterLab (Python 3.11 or newer; a few minutes, once).
Write what the stubs ask for; `check` tells what is right, and names your mistake where it knows it.

{listed}

This copy has no solutions. `check` compares with what right and wrong versions did on a few
inputs; what you hand in is graded on others. Where a lesson starts from a function of an earlier
one that is not here, paste your own below the imports. Networks that were trained for longer are
built of the solutions: where these are not here, the cells that load one say so.
"""


def _is_released(place: Path, names: set[str]) -> bool:
    """Whether a file of the course belongs to the lessons of the copy, or to all."""
    every = {lesson.name for lesson in all_lessons()}
    if place.parts[0] == "checkers" and place.parts[1] in every:
        return place.parts[1] in names
    if place.parts[0] == "lessons" and place.suffix == ".ipynb":
        return any(place.stem.endswith(f"_{name}") and place.stem[2] == "_" for name in names)
    return True


def stub_module(lesson: Lesson) -> str:
    """A module of `solutions` in which what students write is still to be written."""
    path = ROOT / "solutions" / f"{lesson.name}.py"
    source = path.read_text(encoding="utf-8")
    exercises = {exercise.name: exercise for exercise in lesson.exercises}
    parts = []
    for node in ast.parse(source).body:
        name = getattr(node, "name", "")
        if name in exercises:
            said = (
                f"{name} is lesson {lesson.number}'s, and its solution is not in this copy: paste "
                "your own below the imports of this notebook."
            )
            stub = stub_source(exercises[name].reference)
            parts.append(stub.replace(_UNWRITTEN, f"{_UNWRITTEN}({said!r})"))
        elif isinstance(node, _GIVEN) or (name and name[0] != "_") or _is_listing(node):
            parts.append(ast.get_source_segment(source, node) or "")
    return "\n\n\n".join(parts) + "\n"


def _is_listing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def sentences(lesson: Lesson) -> str:
    """The known mistakes as a table that has their sentences alone."""
    said = "It looks as if "
    entries = [
        f"[{exercise.name}.{mistake.name}]\n"
        f"says = {json.dumps(mistake.sentence.removeprefix(said))}\nrecorded = true\n"
        for exercise in lesson.exercises
        for mistake in exercise.mistakes
    ]
    return "\n".join(entries)


def outcomes(exercises: Sequence[Exercise], seeds: list[int], tell: Callable[[str], None]) -> bytes:
    """What the reference and the known mistakes do in the cases that a notebook's check shows.

    `tell` is told each exercise's name before its turn.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        add_to_zip(archive, INDEX, json.dumps({"seeds": seeds}).encode())
        for exercise in exercises:
            tell(exercise.name)
            for seed in seeds:
                for number, case in enumerate(exercise.cases):
                    if not case.hidden:
                        data = _case(exercise, case, seed_of_case(seed, number))
                        add_to_zip(archive, member(exercise.name, seed, number), data)
    return content.getvalue()


def _case(exercise: Exercise, case: Case, seed: int) -> bytes:
    with ordinary_torch():
        trial = Trial(exercise, case, seed, Memory())
        parts = [encode(trial.inputs)]
        if not case.compared:
            return packed(parts)
        reference = {"status": "ran", "observation": trial.expected(), "seconds": 0.0}
        parts.append(encode({"name": "reference", "outcome": reference}))
        for mistake in exercise.mistakes:
            entry = {
                "name": mistake.name,
                "fails": trial.fails(mistake),
                "repeats": trial.repeats(mistake),
                "would fail": trial.would_fail(mistake),
            }
            # For what passes stands the reference, which is as good: that saves half the file.
            if entry["fails"]:
                outcome = trial.known(mistake.name, mistake.answer)
                # Where in its code a known version failed is code, and stays at home.
                told = {key: value for key, value in outcome.items() if key != "where"}
                entry["outcome"] = told | {"seconds": 0.0}
            parts.append(encode(entry))
    return packed(parts)
