"""One job: one student's code for one lesson, graded on the trusted side, told as JSON text.

A job and its result are plain text, so any executor may carry them. What the student's process
said has been checked by then (`sandbox.worker`) and is never pickled.
"""

from __future__ import annotations

import atexit
import hashlib
import threading
from collections.abc import Iterable

from pydantic import BaseModel

from checkers.engine.card import html_card
from checkers.engine.checking import check_lesson
from checkers.engine.isolation import CourseWorker
from checkers.engine.memory import Memory
from checkers.engine.registry import ROOT, find_lesson
from checkers.engine.report import Report
from checkers.engine.sandbox.levels import Level
from checkers.engine.sources import sources_digest
from checkers.engine.submission import Cells, Submission


class Job(BaseModel):
    """What is to be graded.

    Attributes:
        key: names the result in the journal.
        lesson: the lesson's name.
        cells: (label, source) of every code cell.
        seed: the run's; the same inputs for everybody.
        sources: `sources_digest()` of whoever asks; another version of the course must not answer.
        require: the weakest isolation that will do; "" for any.
        show_hidden: whether the cards show hidden cases.
    """

    key: str
    lesson: str
    cells: Cells
    seed: int
    sources: str
    require: str = ""
    show_hidden: bool = True


class JobResult(BaseModel):
    """What came of it.

    Attributes:
        isolation: the level that the student's code really ran under.
        reports: one for each exercise of the lesson.
        cards: the same as HTML, with the pictures.
        error: why it could not be graded, through no fault of the student's; "" if it was.
        refusal: why no job of this run can be graded here; "" if it can.
    """

    isolation: str = ""
    reports: list[Report] = []
    cards: list[str] = []
    error: str = ""
    refusal: str = ""


_lock = threading.Lock()
_worker: CourseWorker | None = None
_memory = Memory()


def grade_job(text: str) -> str:
    """Grade one job in this process, with this process's own worker.

    Args:
        text: a `Job` as JSON.

    Returns:
        A `JobResult` as JSON. One job at a time: torch's global generators are shared.
    """
    job = Job.model_validate_json(text)
    with _lock:
        try:
            return _graded(job).model_dump_json()
        except Exception as error:  # a checker's own failure must not end the class
            forget_worker()
            return JobResult(error=f"{type(error).__name__}: {error}"[:500]).model_dump_json()


def _graded(job: Job) -> JobResult:
    if job.sources != sources_digest():
        return JobResult(refusal="This machine has another version of the course's checkers.")
    worker = _the_worker()
    level = isolation_level(worker)
    if job.require and level < (required := Level.from_name(job.require)):
        return JobResult(isolation=str(level), refusal=too_weak(level, required))
    submission = Submission(ROOT / job.lesson, job.cells)
    lesson = find_lesson(job.lesson)
    try:
        report = check_lesson(submission, lesson, worker, job.seed, hidden=True, memory=_memory)
    finally:
        worker.finish()  # nothing of one student's runs while another's is graded
    return JobResult(
        isolation=str(isolation_level(worker)),
        reports=report.reports,
        cards=[html_card(_shown(job, each), heading=3) for each in report.reports],
    )


def _shown(job: Job, report: Report) -> Report:
    if job.show_hidden:
        return report
    cases = [case for case in report.cases if not case.hidden]
    return report.model_copy(update={"cases": cases})


def isolation_level(worker: CourseWorker) -> Level:
    """The level of isolation that `worker` reaches on this machine."""
    assert worker.level is not None  # it has started
    return worker.level


def too_weak(level: Level, required: Level) -> str:
    """The sentence for a machine that isolates less than is required."""
    return (
        f"This machine reaches the isolation level '{level}', and '{required}' is required. "
        f"Install bubblewrap, or ask for less."
    )


def _the_worker() -> CourseWorker:
    global _worker
    if _worker is None:
        _worker = CourseWorker().__enter__()
        atexit.register(forget_worker)
    return _worker


def forget_worker() -> None:
    """End this process's worker; the next job starts another."""
    global _worker
    worker, _worker = _worker, None
    if worker is not None:
        worker.__exit__(None, None, None)


def code_digest(cells: Cells) -> str:
    """Changes with any of a file's code."""
    return _digest_of(text for cell in cells for text in cell)


def key_of(code: str, lesson: str, seed: int) -> str:
    """The name of a result: by the code's digest, checkers and the run's seed."""
    return _digest_of((sources_digest(), lesson, str(seed), code))


def _digest_of(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    return digest.hexdigest()
