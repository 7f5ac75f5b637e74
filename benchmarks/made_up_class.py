"""A made-up class: right answers in varied styles, every known mistake, broken and hostile files.

Every student hands in a folder with one notebook for each lesson, and for each exercise it is known
what the grade must be.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from checkers.engine.exercise import Exercise
from checkers.engine.notebooks import stub_source
from checkers.engine.registry import ROOT, Lesson
from checkers.engine.verify import as_submission

RIGHT, WRONG, STUB, BROKEN = "right", "wrong", "stub", "broken"
LEANING = "right, calls a wrong one"
Truth = dict[str, dict[str, str]]
"""By student and exercise: one of the above, with ": " and which mistake or file it is, if any."""

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
    mistakes = {e.name: itertools.cycle(e.mistakes) for lesson in lessons for e in lesson.exercises}
    styles = {
        e.name: itertools.cycle([e.reference, *e.right_answers])
        for lesson in lessons
        for e in lesson.exercises
    }
    rogues = itertools.cycle(_rogues())
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
                    truth[student][exercise.name] = f"{BROKEN}: {rogue}"
            continue
        for lesson in lessons:
            contexts, answers = [], []
            for exercise in lesson.exercises:
                context, answer, label = _answer(exercise, kind, mistakes, styles, choose)
                contexts.append(context)
                answers.append(answer)
                truth[student][exercise.name] = label
            _note_leaning(truth[student], lesson, answers)
            # A context may define what another exercise asks for; the answers come last.
            _write(folder / student / lesson.notebook.name, [*contexts, *answers])
    return truth


def _note_leaning(truth: dict[str, str], lesson: Lesson, answers: Sequence[str]) -> None:
    """A right answer that calls a wrong one of the same student may pass or fail."""
    wrong = [e.name for e in lesson.exercises if truth[e.name].startswith(WRONG)]
    for exercise, answer in zip(lesson.exercises, answers, strict=True):
        called = [name for name in wrong if re.search(rf"\b{name}\b", answer)]
        if truth[exercise.name] == RIGHT and called:
            truth[exercise.name] = f"{LEANING}: {called[0]}"


def _answer(
    exercise: Exercise, kind: int, mistakes: dict, styles: dict, choose: random.Random
) -> tuple[str, str, str]:
    """Imports and helpers, the answer itself, and what it is."""
    if kind == 8:
        context = as_submission(exercise.reference, exercise.name).cells[0][1]
        return context, stub_source(exercise.reference), STUB
    if kind >= 5 and choose.random() < 0.5:
        mistake = next(mistakes[exercise.name])
        context, answer = as_submission(mistake.answer, exercise.name).cells
        return context[1], answer[1], f"{WRONG}: {mistake.name}"
    context, answer = as_submission(next(styles[exercise.name]), exercise.name).cells
    return context[1], answer[1], RIGHT


def _write(path: Path, sources: Sequence[str]) -> None:
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = {"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    path.write_text(json.dumps(notebook))


def _rogues() -> Iterator[tuple[str, bytes]]:
    yield from _BROKEN.items()
    hostile = ROOT / "tests" / "hostile"
    for path in sorted([*hostile.glob("*.py"), *hostile.glob("*.ipynb")]):
        yield path.name, path.read_bytes()
