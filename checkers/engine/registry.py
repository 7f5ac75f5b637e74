"""Find the lessons, and each lesson's exercises, by their one name.

A lesson is what has a checker. Whatever else lies in `lessons/`, a copy of a notebook say, is none.
"""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # else whoever asks for a lesson's name waits for torch
    from checkers.engine.exercise import Exercise

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "lessons"
SOLVED = ROOT / "solutions" / "notebooks"
_CHECKERS = ROOT / "checkers"


@dataclass(frozen=True)
class Lesson:
    """A lesson: its place in the course and where its files are.

    Attributes:
        number: two digits, from the notebook's file name.
        name: the name shared by notebook, solutions and checker.
    """

    number: str
    name: str

    @property
    def notebook(self) -> Path:
        """What a student opens."""
        return LESSONS / f"{self.number}_{self.name}.ipynb"

    @property
    def solved_notebook(self) -> Path:
        """The same lesson, solved and executed."""
        return SOLVED / f"{self.number}_{self.name}.ipynb"

    @property
    def exercise_names(self) -> list[str]:
        """The names of the lesson's exercises, in the order of the lesson, without its checker."""
        return _exercise_names(self.name)

    @property
    def exercises(self) -> list[Exercise]:
        """The lesson's exercises, in the order of the lesson.

        Imports the lesson's checker and solutions, and what these import: a second or two, with
        torchvision. Where the names are enough, ask for those.
        """
        return list(importlib.import_module(f"checkers.{self.name}.exercises").EXERCISES)


class UnknownLessonError(ValueError):
    """There is no such lesson; the message lists what there is."""


@cache
def all_lessons() -> tuple[Lesson, ...]:
    """Every lesson, in the order of the course."""
    names = sorted(path.parent.name for path in _CHECKERS.glob("*/exercises.py"))
    found = (Lesson(number, name) for name in names if (number := _number_of(name)))
    return tuple(sorted(found, key=lambda lesson: lesson.number))


def _number_of(name: str) -> str:
    """A lesson's number: its notebooks' names tell it; "" if it has none, not even a copy."""
    own = re.compile(rf"(\d\d)_{name}\.ipynb")
    copy = re.compile(rf"(\d\d)_{name}(?![a-z0-9]).*\.ipynb")
    for pattern, folder in ((own, SOLVED), (own, LESSONS), (copy, LESSONS)):
        names = sorted(path.name for path in folder.glob(f"*_{name}*.ipynb"))
        if found := next(filter(None, map(pattern.fullmatch, names)), None):
            return found[1]
    return ""


@cache
def _exercise_names(lesson: str) -> list[str]:
    """What its solutions define and list in `__all__`."""
    source = (ROOT / "solutions" / f"{lesson}.py").read_text(encoding="utf-8")
    listed = re.search(r"^__all__ = (\[.*?\])$", source, re.MULTILINE | re.DOTALL)
    offered = ast.literal_eval(listed[1]) if listed else []
    defined = re.findall(r"^(?:def|class) (\w+)", source, re.MULTILINE)
    return [name for name in defined if name in offered]


def find_lesson(text: str) -> Lesson:
    """The lesson called "01", "1", "forward_noising" or "01_forward_noising".

    Raises:
        UnknownLessonError: if there is none.
    """
    wanted = text.strip().lower().removesuffix(".ipynb")
    for lesson in all_lessons():
        names = (lesson.number, str(int(lesson.number)), lesson.name)
        if wanted in (*names, f"{lesson.number}_{lesson.name}"):
            return lesson
    listed = ", ".join(f"{lesson.number} {lesson.name}" for lesson in all_lessons())
    raise UnknownLessonError(f"There is no lesson {text!r}. The lessons are: {listed}.")


def find_exercise(name: str) -> Exercise:
    """The exercise whose stub has this name.

    Raises:
        UnknownLessonError: if no lesson has such a stub.
    """
    # Other lessons' checkers are not imported: in a student's first check that would be most of
    # the wait.
    for lesson in all_lessons():
        if name in lesson.exercise_names:
            for exercise in lesson.exercises:
                if exercise.name == name:
                    return exercise
    raise UnknownLessonError(
        f"There is no exercise called {name!r}. "
        f"The exercises are: {', '.join(all_exercise_names())}."
    )


def all_exercise_names() -> list[str]:
    """The names of all exercises, in the order of the course."""
    return [name for lesson in all_lessons() for name in lesson.exercise_names]


def lessons_before(lesson: Lesson) -> list[str]:
    """Names of the lessons that come before `lesson`, earliest first."""
    order = all_lessons()
    return [earlier.name for earlier in order[: order.index(lesson)]]
