"""A made-up class: right answers in varied styles, every known mistake, broken and hostile files.

Every student hands in a folder with one notebook for each lesson, and for each exercise it is known
what the grade must be.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from checkers.engine.authoring.notebooks import stub_source
from checkers.engine.authoring.verify import as_submission
from checkers.engine.exercise import Exercise, Mistake
from checkers.engine.registry import ROOT, Lesson
from checkers.engine.swaps import table_of

RIGHT, WRONG, STUB, BROKEN = "right", "wrong", "stub", "broken"
LEANING = "calls another wrong one"
BESIDE = "right, in a hostile file"
Truth = dict[str, dict[str, str]]
"""By student and exercise: one of the above, with ": " and which mistake or file it is, if any."""

HOSTILE = ROOT / "tests" / "hostile"

_BROKEN = {
    "truncated.ipynb": b'{"cells": [{"cell_type": "code", "sou',
    "not_utf8.ipynb": b"\xff\xfe{\x00}\x00",
    "version_3.ipynb": b'{"worksheets": [{"cells": []}], "nbformat": 3}',
    "empty.ipynb": b"",
    "no_notebook.ipynb": b"[1, 2, 3]",
    "syntax_error.py": b"def forward(im, t\n",
}


def make_class(folder: Path, lessons: Sequence[Lesson], size: int, seed: int = 0) -> Truth:
    """Write the class into `folder`.

    Of ten students five are right everywhere, three make mistakes in about half of the exercises
    (every known mistake occurs before any occurs twice), one hands in stubs, and one a broken or
    hostile file.
    """
    choose = random.Random(seed)
    mistakes = {
        e.name: itertools.cycle(_own_mistakes(e)) for lesson in lessons for e in lesson.exercises
    }
    styles = {
        e.name: itertools.cycle([e.reference, *e.right_answers])
        for lesson in lessons
        for e in lesson.exercises
    }
    rogues = itertools.cycle(_rogues())
    harmless = _harmless()
    truth: Truth = {}
    for number in range(size):
        student = f"student {number:04}"
        truth[student] = {}
        kind = number % 10
        if kind == 9:
            rogue, content = next(rogues)
            path = folder / student / rogue
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            for lesson in lessons:
                for exercise in lesson.exercises:
                    right = exercise.name == "forward" and rogue in harmless
                    truth[student][exercise.name] = f"{BESIDE if right else BROKEN}: {rogue}"
            continue
        for lesson in lessons:
            chosen = [
                _choose(exercise, kind, mistakes, styles, choose) for exercise in lesson.exercises
            ]
            contexts, answers = _agreeing(lesson, chosen)
            truth[student] |= {
                e.name: label for e, (_, label) in zip(lesson.exercises, chosen, strict=True)
            }
            _note_leaning(truth[student], lesson, answers)
            # A context may define what another exercise asks for; the answers come last. The
            # comment makes every notebook one of its own, as in a real class.
            _write(
                folder / student / lesson.notebook.name,
                [*contexts, *answers, f"# handed in by {student}"],
            )
    return truth


def _choose(
    exercise: Exercise, kind: int, mistakes: dict, styles: dict, choose: random.Random
) -> tuple[Callable[..., Any] | Mistake | None, str]:
    """What a student of this kind answers, None for the stub, and what it is."""
    if kind == 8:
        return None, STUB
    if kind >= 5 and choose.random() < 0.5:
        mistake = next(mistakes[exercise.name])
        return mistake, f"{WRONG}: {mistake.name}"
    return next(styles[exercise.name]), RIGHT


def _own_mistakes(exercise: Exercise) -> list[Mistake]:
    """Those made in the exercise's own function.

    What is wrong only in a function that it calls comes right beside that function's right answer.
    """
    entries = table_of(exercise.lesson).get(exercise.name, {})
    return [m for m in exercise.mistakes if m.name not in entries or "swap" in entries[m.name]]


def _agreeing(
    lesson: Lesson, chosen: Sequence[tuple[Callable[..., Any] | Mistake | None, str]]
) -> tuple[list[str], list[str]]:
    """The cells of imports and helpers, and those of the answers.

    A right answer that another one calls is the reference: styles of two people need not fit
    together, such as one that returns numpy arrays and one that asks for tensors.
    """
    cells = [
        _cells(exercise, answer)
        for exercise, (answer, _) in zip(lesson.exercises, chosen, strict=True)
    ]
    # Exercises call earlier ones. From the end, so that a reference put in place counts as caller.
    for place in reversed(range(len(cells))):
        exercise, (_, label) = lesson.exercises[place], chosen[place]
        others = [answer for other, (_, answer) in enumerate(cells) if other != place]
        if label == RIGHT and any(_calls(answer, exercise.name) for answer in others):
            cells[place] = _cells(exercise, exercise.reference)
    return [context for context, _ in cells], [answer for _, answer in cells]


def _cells(exercise: Exercise, answer: Callable[..., Any] | Mistake | None) -> tuple[str, str]:
    """Imports and helpers, and the answer itself; a stub for None."""
    if answer is None:
        context = as_submission(exercise.reference, exercise.name).cells[0][1]
        return context, stub_source(exercise.reference)
    context, own = as_submission(answer, exercise.name).cells
    return context[1], own[1]


def _calls(source: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", source) is not None


def _note_leaning(truth: dict[str, str], lesson: Lesson, answers: Sequence[str]) -> None:
    """An answer that calls another wrong one of the same student may pass or fail.

    A right one may fail by it, and two mistakes may cancel, such as roles that are swapped twice.
    So may one that calls such an answer: a block of blocks.
    """
    names = [exercise.name for exercise in lesson.exercises]
    wrong = [name for name in names if truth[name].startswith(WRONG)]
    for _ in names:
        for name, answer in zip(names, answers, strict=True):
            called = [other for other in wrong if other != name and _calls(answer, other)]
            if called and (truth[name] == RIGHT or truth[name].startswith(WRONG)):
                truth[name] = f"{LEANING}: {called[0]}"
                if name not in wrong:
                    wrong.append(name)


def _write(path: Path, sources: Sequence[str]) -> None:
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = {"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    path.write_text(json.dumps(notebook), encoding="utf-8")


def _rogues() -> Iterator[tuple[str, bytes]]:
    yield from _BROKEN.items()
    for path in sorted([*HOSTILE.glob("*.py"), *HOSTILE.glob("*.ipynb")]):
        yield path.name, path.read_bytes()


def _harmless() -> set[str]:
    """The hostile files whose answer to `forward` is right and earns its points."""
    expected = tomllib.loads((HOSTILE / "expected.toml").read_text())
    names = {name for name, grade in expected.items() if grade["status"] == "passed"}
    names.remove("change_globals")  # it seeds torch at every call: "drawn anew" rightly fails
    return {path.name for path in HOSTILE.iterdir() if path.stem in names}
