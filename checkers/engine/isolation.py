"""Run an exercise's cases on a submission in the sandbox, with what the course shows there.

What can be seen beside a student's code is an allowlist: probes, worlds, what runs inside the
sandbox, the workbench and the given part of the data. Solutions of earlier lessons go along as
sources, since a later lesson may use them.
"""

from __future__ import annotations

import inspect
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from checkers.engine.exercise import Case, Exercise
from checkers.engine.registry import ROOT, find_lesson, lessons_before
from checkers.engine.sandbox.inside.running import Inputs, address_of
from checkers.engine.sandbox.levels import Level
from checkers.engine.sandbox.view import View
from checkers.engine.sandbox.worker import Cells, Task, Worker

_SHOWN = (
    "checkers/__init__.py*",
    "checkers/*/__init__.py",
    "checkers/*/probe.py",
    "checkers/engine/worlds/*.py",
    "checkers/engine/sandbox/__init__.py",
    "checkers/engine/sandbox/inside/*.py",
    "lessons/__init__.py",
    "lessons/workbench/**/*.py",
    "lessons/workbench/**/*.pyi",
    "lessons/workbench/pictures/drawing_pad.*",
)
_DATA = ("datasets/atlas", "datasets/patches", "datasets/pictures", "datasets/MNIST")
_OTHER_DATA = ("DIFFUSION_MNIST", "DIFFUSION_ATLAS")
_SECRETS = ("checkers", "solutions")
_PRELOAD = (
    "IPython.core.inputtransformer2",
    "lessons.workbench.denoisers.loading",
    "lessons.workbench.pictures.figures",
    "lessons.workbench.pictures.plots",
)
# A second or two each, and most do without. The last is what making an optimizer imports.
_PRELOAD_FOR = {
    "torchvision": "torchvision.transforms.functional",
    "matplotlib": "matplotlib.pyplot",
    "torch.optim": "torch._dynamo",
    "worlds.networks": "torch._dynamo",
}


class CourseWorker(Worker):
    """A sandbox's worker that shows the course's given part and runs cases of its exercises."""

    def __init__(self, require: Level = Level.PROCESS, *, at_most: Level = Level.SANDBOX) -> None:
        super().__init__(course_view(), require, at_most=at_most)

    def run_case(
        self, cells: Cells, exercise: Exercise, case: Case, inputs: Inputs, seed: int
    ) -> dict[str, Any]:
        """Run one case's probe on one function of a submission.

        Args:
            cells: (label, source) of every code cell.
            exercise: names the function.
            case: the probe and its limits.
            inputs: what the probe is given.
            seed: seeds the global generators in the process.

        Returns:
            As `Worker.run`.

        Raises:
            IsolationError: if no process can be started to run it in.
        """
        return self.run(
            Task(
                cells=cells,
                given=_given_solutions(exercise.lesson),
                name=exercise.name,
                probe=address_of(case.probe),
                probe_sources=_probe_sources(exercise.lesson),
                inputs=inputs,
                seed=seed,
                time_limit=case.time_limit,
                memory_limit=case.memory_limit,
            )
        )


def course_view() -> View:
    """What the course shows beside a student's code."""
    files = {
        path.relative_to(ROOT).as_posix(): path for shown in _SHOWN for path in ROOT.glob(shown)
    }
    return View(
        files=files,
        folders={place: ROOT / place for place in _DATA if (ROOT / place).is_dir()},
        also=tuple(os.environ[name] for name in _OTHER_DATA if os.environ.get(name)),
        secret=tuple(_secret_folders()),
        variables=_OTHER_DATA,
        preload=(*_PRELOAD, *(_module(place) for place in files if place.endswith("probe.py"))),
        preload_for=_PRELOAD_FOR,
        not_importable=("solutions", "checkers.engine.grading", "checkers.engine.exercise"),
    )


def _module(place: str) -> str:
    return place.removesuffix(".py").replace("/", ".")


def _secret_folders() -> list[str]:
    """This checkout, and whatever else on Python's path holds a copy of the answers."""
    installed = {Path(entry).absolute() for entry in sys.path if entry}
    copies = {place for place in installed if (place / "checkers" / "engine").is_dir()}
    return sorted(
        {str(ROOT), *(str(place / name) for place in copies | {ROOT} for name in _SECRETS)}
    )


@cache
def _probe_sources(lesson: str) -> str:
    """Of all probes of a lesson: one box serves all exercises of a submission."""
    exercises = find_lesson(lesson).exercises
    modules = {case.probe.__module__ for exercise in exercises for case in exercise.cases}
    return "\n".join(inspect.getsource(sys.modules[module]) for module in sorted(modules))


@cache
def _given_solutions(lesson: str) -> dict[str, dict[str, Any]]:
    """Source and names of the solutions that come before `lesson`."""
    given: dict[str, dict[str, Any]] = {}
    for name in lessons_before(find_lesson(lesson)):
        source = (ROOT / "solutions" / f"{name}.py").read_text(encoding="utf-8")
        given[name] = {"source": source, "names": find_lesson(name).exercise_names}
    return given
