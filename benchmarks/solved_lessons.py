"""Run solved lessons from top to bottom, as a student with this machine would, and tell how long.

python benchmarks/solved_lessons.py [LESSON ...] [--profile quick] [--jobs 1]

Every cell runs in a kernel of its own lesson: checks, sampling and training, on a GPU where there
is one. Beside the whole are told the first cell of code, the first check, and the slowest cell.
Nothing is written. Exits with 1 if a cell of a lesson raised an error, which is shown, or if a
check in it didn't pass.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from checkers.engine.registry import all_lessons
from lessons.workbench.training.profiles import PROFILES, VARIABLE

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """What became of one lesson."""

    name: str
    seconds: float
    first: float
    first_check: float
    slowest: float
    slowest_cell: int
    problem: str


def main() -> None:
    """Run the lessons that are asked for and print a line for each."""
    known = {lesson.number: lesson for lesson in all_lessons()}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", default=list(known), metavar="LESSON")
    parser.add_argument("--profile", choices=list(PROFILES))
    parser.add_argument("--jobs", type=int, default=1, help="lessons at a time")
    options = parser.parse_args()
    if unknown := [number for number in options.lessons if number not in known]:
        parser.error(f"there is no lesson {', '.join(unknown)}; there are {', '.join(known)}")
    if options.profile:
        os.environ[VARIABLE] = options.profile
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    )
    failed = False
    with ThreadPoolExecutor(options.jobs) as pool:
        for run in pool.map(lambda number: _run(known[number].solved_notebook), options.lessons):
            firsts = f"first cell {run.first:4.1f} s, first check {run.first_check:4.1f} s"
            slowest = f"slowest cell {run.slowest_cell} with {run.slowest:.1f} s"
            print(f"{run.name:34}{run.seconds:8.1f} s, {firsts}, {slowest}", flush=True)
            if run.problem:
                failed = True
                print(f"FAILED: {run.problem}", flush=True)
    sys.exit(failed)


def _run(path: Path) -> Run:
    notebook = nbformat.read(path, as_version=4)
    started: dict[int, float] = {}
    taken: dict[int, float] = {}

    def start(cell: nbformat.NotebookNode, cell_index: int) -> None:
        started[cell_index] = time.perf_counter()

    def end(cell: nbformat.NotebookNode, cell_index: int, execute_reply: object) -> None:
        taken[cell_index] = time.perf_counter() - started[cell_index]

    begin, problem = time.perf_counter(), ""
    with TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=1800, kernel_name="python3",
            resources={"metadata": {"path": folder}},
            on_cell_execute=start, on_cell_executed=end,
        )  # fmt: skip
        try:
            client.execute()
        except CellExecutionError as error:
            problem = str(error)
    slowest = max(taken, key=lambda index: taken[index], default=0)
    checks = (index for index in taken if notebook.cells[index].source.startswith("check("))
    return Run(
        path.stem,
        time.perf_counter() - begin,
        first=taken.get(min(taken, default=0), 0.0),
        first_check=taken.get(min(checks, default=-1), 0.0),
        slowest=taken.get(slowest, 0.0),
        slowest_cell=slowest,
        problem=problem or _failed_checks(notebook),
    )


def _failed_checks(notebook: nbformat.NotebookNode) -> str:
    """The plain text of checks that didn't give all points."""
    cards = [
        output["data"].get("text/plain", "")
        for cell in notebook.cells if cell.cell_type == "code"
        for output in cell.get("outputs", []) if "data" in output
    ]  # fmt: skip
    points = {card: re.match(r"\w+ +([\d.]+) of ([\d.]+) points", card) for card in cards}
    return "\n".join(card for card, found in points.items() if found and found[1] != found[2])


if __name__ == "__main__":
    main()
