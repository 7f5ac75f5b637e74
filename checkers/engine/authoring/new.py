"""Make the files of a new lesson: they run, and `verify` holds, before a word is changed."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from checkers.engine.authoring.notebooks import refresh_stubs
from checkers.engine.registry import LESSONS, ROOT, Lesson, all_lessons

_TEMPLATES = files("checkers.engine.authoring").joinpath("template")


class NewLessonError(ValueError):
    """A lesson that can't be begun; the message says what to do."""


def new_lesson(number: str, name: str, function: str | None = None) -> list[Path]:
    """Write solution, checker and notebook of a lesson that already runs.

    Args:
        number: its place in the course, two digits that no lesson has.
        name: the word for it: lower case, digits and underscores.
        function: what students write; the lesson's name if None.

    Returns:
        The files, in the order in which to read them.

    Raises:
        NewLessonError: if number, name or function is taken or can't be one; nothing is written.
    """
    function = name if function is None else function
    _refuse(number, name, function)
    words = {
        "number": number,
        "name": name,
        "function": function,
        "CONSTANT": re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", function).upper().replace("__", "_"),
    }
    lesson = Lesson(number, name)
    checker = ROOT / "checkers" / name
    texts = {
        ROOT / "solutions" / f"{name}.py": "solution.py.txt",
        checker / "exercises.py": "exercises.py.txt",
        checker / "mistakes.toml": "mistakes.toml.txt",
        checker / "right_answers.py": "right_answers.py.txt",
    }
    checker.mkdir()
    (checker / "__init__.py").touch()
    for path, template in texts.items():
        text = _TEMPLATES.joinpath(template).read_text(encoding="utf-8")
        path.write_text(text.format_map(words), encoding="utf-8")
    nbformat.write(_notebook(words), lesson.notebook)
    all_lessons.cache_clear()
    refresh_stubs(lesson)
    return [*texts, lesson.notebook]


def _refuse(number: str, name: str, function: str) -> None:
    if not re.fullmatch(r"\d\d", number):
        raise NewLessonError(f"{number!r} is no number of a lesson: two digits, such as 21.")
    for word in (name, function):
        if not re.fullmatch(r"[A-Za-z]\w*", word, re.ASCII) or keyword.iskeyword(word):
            raise NewLessonError(f"{word!r} can't be a name in Python. Choose another.")
    if name != name.lower():
        raise NewLessonError(f"Lessons are named in lower case: {name.lower()}.")
    taken = [lesson for lesson in all_lessons() if number == lesson.number or name == lesson.name]
    if taken:
        raise NewLessonError(f"There is a lesson {taken[0].number} {taken[0].name} already.")
    places = [ROOT / "solutions" / f"{name}.py", ROOT / "checkers" / name]
    for place in [*places, LESSONS / f"{number}_{name}.ipynb"]:
        if place.exists():
            raise NewLessonError(f"{place} is there already. Move it away, or choose another name.")
    for lesson in all_lessons():
        if function in lesson.exercise_names:
            raise NewLessonError(
                f"{function} is an exercise of {lesson.name} already. Name another with --function."
            )


def _notebook(words: dict[str, str]) -> nbformat.NotebookNode:
    """Five cells: what it is about, setup, stub, check, hints."""
    function = words["function"]
    title = words["name"].replace("_", " ").capitalize()
    cells = [
        new_markdown_cell(
            f"# {words['number']} · {title}\n\n"
            "**After this lesson you can** say how much of a noisy picture is picture.\n\n"
            "10 minutes · easy · you need: lesson 01.\n\n"
            "The **signal-to-noise ratio** compares two variances: that of what is left of the "
            "picture, $\\bar\\alpha_t$, and that of the noise, $1 - \\bar\\alpha_t$.\n\n"
            f"**Exercise 1. `{function}`** · 5 minutes · easy · you need: the sentence above\n\n"
            f"*Write `{function}(t, alphas_cumprod)`: the ratio after `t` steps.*"
        ),
        new_code_cell(
            "from torch import Tensor\n\n"
            "from checkers import check\n"
            "from lessons.workbench.denoisers import squared_cosine_alphas_cumprod\n\n"
            "alphas_cumprod = squared_cosine_alphas_cumprod()"
        ),
        new_code_cell("", metadata={"course": {"stub": [function]}}),
        new_code_cell(f"check({function})"),
        new_markdown_cell("", metadata={"course": {"hints": function}}),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})
