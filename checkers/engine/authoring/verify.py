"""Prove, for every exercise, that its checker can be trusted.

The stub is "not attempted"; the reference and at least two other right answers pass; every known
mistake fails and is told by its own sentence; the hints say something. Answers are judged here and
in a process of their own, and both must give the same verdict. All meet the same inputs, so what
the reference and the known mistakes do with them is computed once: a mistake is judged here by the
run that names it in other answers, and isolated by one that draws numbers of its own.
"""

from __future__ import annotations

import ast
import inspect
import secrets
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from checkers.engine.authoring.notebooks import solved_source, stub_source
from checkers.engine.exercise import Exercise, Mistake
from checkers.engine.grading import grade, grade_here, grade_known
from checkers.engine.isolation import CourseWorker
from checkers.engine.memory import Memory
from checkers.engine.report import Report, Status
from checkers.engine.submission import Submission

MIN_RIGHT_ANSWERS = 2
MIN_MISTAKES = 3
MIN_SENTENCE = 30


@dataclass(frozen=True)
class Proof:
    """One claim about one exercise.

    Attributes:
        exercise: the stub's name.
        claim: what should hold.
        problem: why it does not; "" if it does.
    """

    exercise: str
    claim: str
    problem: str = ""


def verify(exercise: Exercise, worker: CourseWorker, seed: int | None = None) -> Iterator[Proof]:
    """Every claim about `exercise`, proved or refuted.

    Args:
        exercise: what is asked.
        worker: runs answers in a process of their own.
        seed: of the inputs and of what answers draw; a fresh one if None. A problem names it.
    """
    seed = secrets.randbits(47) if seed is None else seed
    memory = Memory()
    here = partial(grade_here, exercise, seed=seed, hidden=True, memory=memory)
    isolated = partial(_isolated, exercise, worker=worker, seed=seed, memory=memory)
    yield _claim(exercise, "hints, titles and sentences say something", _texts_problem(exercise))
    yield _claim(exercise, "the stub is not attempted", _stub_problem(exercise, worker))
    for answer in [exercise.reference, *exercise.right_answers]:
        name = "reference" if answer is exercise.reference else f"right answer {answer.__name__}"
        problem = _not_passed(f"in the kernel, seed {seed}", here(answer))
        problem = problem or _not_passed(f"isolated, seed {seed}", isolated(answer))
        yield _claim(exercise, f"{name} passes", problem)
    for mistake in exercise.mistakes:
        known = grade_known(exercise, mistake, seed, memory)
        problem = _not_told(f"in the kernel, seed {seed}", known, mistake.name)
        problem = problem or _not_told(f"isolated, seed {seed}", isolated(mistake), mistake.name)
        yield _claim(exercise, f"mistake {mistake.name} fails by its own sentence", problem)


def as_submission(answer: Callable[..., Any] | Mistake, name: str) -> Submission:
    """The module that `answer` is written in, as a submission in which `answer` is called `name`.

    Its imports and helper functions come along; decorators that register it do not.
    """
    if isinstance(answer, Mistake):
        if answer.cells is not None:
            cells = tuple(zip(("cell 1", "cell 2"), answer.cells, strict=True))
            return Submission(Path(f"{answer.name}.py"), cells)
        answer = answer.answer
    module = inspect.getmodule(answer)
    assert module is not None and module.__file__ is not None
    context: list[str] = []
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            if _root(node) not in ("checkers", "solutions", "__future__"):
                context.append(ast.unparse(node))
            elif _root(node) == "solutions":
                context.append(f"try:\n    {ast.unparse(node)}\nexcept ImportError:\n    pass")
        elif _is_helper(node):
            context.append(ast.unparse(node))
    tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef | ast.ClassDef)
    definition.decorator_list = [
        decorator
        for decorator in definition.decorator_list
        if not ast.unparse(decorator).split("(")[0].endswith((".mistake", ".right_answer"))
    ]
    source = ast.unparse(definition)
    if definition.name != name:
        source += f"\n{name} = {definition.name}\n{name}.__name__ = {name!r}"
    cells = (("cell 1", "\n".join(context)), ("cell 2", source))
    return Submission(Path(f"{answer.__name__}.py"), cells)


def _is_helper(node: ast.stmt) -> bool:
    """A function, class or plain constant that answers in the same module may use."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return not node.decorator_list
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Tuple)


def _root(node: ast.Import | ast.ImportFrom) -> str:
    name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    return (name or "").split(".")[0]


def _isolated(
    exercise: Exercise,
    answer: Callable[..., Any] | Mistake,
    worker: CourseWorker,
    seed: int,
    memory: Memory,
) -> Report:
    run_case = partial(worker.run_case, as_submission(answer, exercise.name).cells)
    return grade(exercise, run_case, seed, hidden=True, memory=memory)


def _claim(exercise: Exercise, claim: str, problem: str) -> Proof:
    return Proof(exercise.name, claim, problem)


def _texts_problem(exercise: Exercise) -> str:
    sentences = [mistake.sentence for mistake in exercise.mistakes]
    titles = [case.title for case in exercise.cases]
    if not exercise.hints or any(len(hint) < MIN_SENTENCE for hint in exercise.hints):
        return "a hint is missing or too short"
    if len(exercise.right_answers) < MIN_RIGHT_ANSWERS:
        return f"only {len(exercise.right_answers)} other right answers"
    if len(exercise.mistakes) < MIN_MISTAKES:
        return f"only {len(exercise.mistakes)} mistakes"
    if len(set(sentences)) < len(sentences) or any(len(s) < MIN_SENTENCE for s in sentences):
        return "two mistakes share a sentence, or one says too little"
    if len(set(titles)) < len(titles) or any(case.points < 1 for case in exercise.cases):
        return "two cases share a title, or one is worth nothing"
    return ""


def _stub_problem(exercise: Exercise, worker: CourseWorker) -> str:
    context = as_submission(exercise.reference, exercise.name).cells[0]
    cells = (context, ("cell 2", stub_source(exercise.reference)))
    report = grade(exercise, partial(worker.run_case, cells))
    if report.status is not Status.NOT_ATTEMPTED:
        return f"it is {report.status}: {report.cases[0].message}"
    compile(solved_source(exercise.reference), "<solution>", "exec")
    return ""


def _not_passed(place: str, report: Report) -> str:
    if report.passed:
        return ""
    case = next(case for case in report.cases if case.status is not Status.PASSED)
    return f"{place}: {case.title} is {case.status}: {case.message} {case.diagnosis}"


def _not_told(place: str, report: Report, name: str) -> str:
    if report.passed:
        return f"{place}: it passes"
    told = next((case.mistake for case in report.cases if case.mistake), None)
    if told != name:
        failed = [f"{c.title} ({c.status}: {c.message})" for c in report.cases if not c.points]
        return f"{place}: it is told as {told}; failed: {'; '.join(failed)}"
    return ""
