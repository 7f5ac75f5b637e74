"""Grade a class: read, grade what the journal does not know, write the outputs."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from checkers.engine.gradebook.anonymous import is_nameless, without_files_names
from checkers.engine.gradebook.corrections import NONE, Corrections
from checkers.engine.gradebook.executors import Executor, ExecutorError
from checkers.engine.gradebook.folder import prepare_folder, refuse_edited_files
from checkers.engine.gradebook.jobs import Job, JobResult
from checkers.engine.gradebook.journal import Journal, open_journal
from checkers.engine.gradebook.outputs import earlier_book, kept_grades, write_outputs
from checkers.engine.gradebook.plans import Plan, make_plan
from checkers.engine.gradebook.scoring import Graded, grade_student
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.similarity import Similarity
from checkers.engine.gradebook.submissions import Student
from checkers.engine.registry import Lesson, all_lessons

_READ_AHEAD = 64
"""Students whose code is held at once."""


@dataclass
class Tally:
    """What a run did.

    Attributes:
        students: how many there are.
        graded: lessons of students that were graded now.
        known: those that the journal knew.
        failed: those that could not be graded, through no fault of the student's.
        isolation: the levels that the students' code ran under.
        seed: the run's.
        edited: feedback pages that somebody changed, and that stay as they are.
        unknown: who handed in and is not on the roster.
    """

    students: int = 0
    graded: int = 0
    known: int = 0
    failed: int = 0
    isolation: tuple[str, ...] = ()
    seed: int = 0
    edited: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Circumstances:
    """What is known of a class besides what it handed in.

    Attributes:
        corrections: what the instructor decided, by the student's key.
        headings: of the roster's columns; Canvas's assignments stand among them.
        unknown: names of those who handed in and are not on the roster.
        passed_over: names of files that nobody is taken to have handed in.
        only: the key of the one student to grade; "" for everybody.
        drop_missing: whether students of an earlier run may go who are no longer there.
    """

    corrections: Mapping[str, Corrections] = field(default_factory=dict)
    headings: Sequence[str] = ()
    unknown: Sequence[str] = ()
    passed_over: Sequence[str] = ()
    only: str = ""
    drop_missing: bool = False


def grade_class(
    students: list[Student],
    results: Path,
    executor: Executor,
    settings: Settings,
    *,
    seed: int | None = None,
    require: str = "",
    on_student: Callable[[], None] = lambda: None,
    circumstances: Circumstances = Circumstances(),
) -> Tally:
    """Grade everyone and write the tables, summary.html and the feedback pages.

    May be ended at any moment: the same call goes on where it was, with the same seed.

    Args:
        students: from `find_students`.
        results: the folder for the outputs and the journal.
        executor: where jobs run.
        settings: the policy.
        seed: the run's; None for the journal's, or a fresh one.
        require: the weakest isolation that will do; "" for any.
        on_student: called when a student's last job is done.
        circumstances: roster and corrections.

    Raises:
        FolderError, JournalError, ExecutorError: in one sentence, before anything is overwritten.
    """
    prepare_folder(results)
    with open_journal(results, seed) as journal:
        refuse_edited_files(results, journal)
        before = earlier_book(results)
        others = kept_grades(before, students, circumstances.only, circumstances.drop_missing)
        if circumstances.only:
            students = [student for student in students if student.key == circumstances.only]
            if before is not None:
                settings = settings.model_copy(update={"lessons": before.lessons})
        run = Run(students, journal, settings, require, on_student, circumstances.corrections)
        for key, text in executor(run.jobs()):
            run.take(key, text)
        write_outputs(results, run, others, circumstances)
        return run.tally


class Run:
    """The state of one run: plans of the students read so far, and what they still wait for."""

    def __init__(
        self,
        students: list[Student],
        journal: Journal,
        settings: Settings,
        require: str,
        on_student: Callable[[], None],
        corrections: Mapping[str, Corrections],
    ) -> None:
        self.journal, self.settings, self.corrections = journal, settings, corrections
        self.plans: list[Plan] = []
        self.failures: dict[str, str] = {}
        self.similarity = Similarity()
        self.tally = Tally(students=len(students), seed=journal.seed)
        self._students, self._require, self._on_student = students, require, on_student
        self._lessons = [
            lesson
            for lesson in all_lessons()
            if settings.lessons is None or lesson.name in settings.lessons
        ]
        self._order = {lesson.name: place for place, lesson in enumerate(self._lessons)}
        self._running: dict[str, str] = {}
        self._waiting: dict[int, set[str]] = {}

    def jobs(self) -> Iterator[tuple[str, str]]:
        """Jobs for what the journal does not know, of a few students at a time, lesson by lesson.

        What a lesson's known versions do is remembered while its jobs last; there is no room for
        that of all lessons.
        """
        students = enumerate(self._students)
        while some := list(itertools.islice(students, _READ_AHEAD)):
            jobs = [job for number, student in some for job in self._new_jobs(number, student)]
            for job in sorted(jobs, key=lambda job: self._order[job.lesson]):
                yield job.key, job.model_dump_json()

    def _new_jobs(self, number: int, student: Student) -> list[Job]:
        """What one student still needs."""
        plan, wanted = make_plan(
            student,
            self._lessons,
            self.settings,
            self._seed_for(student),
            self._require,
            corrections=self.corrections.get(student.key, NONE),
            contents=self.journal,
        )
        self.plans.append(plan)
        new = []
        for each in wanted:
            self.similarity.add(student.name, each.lesson, each.file.runs)
            if each.key in self._running:
                continue
            if self.journal.has(each.key, self._require):
                self.tally.known += 1
                continue
            self._running[each.key] = each.lesson
            new.append(each.job())
        self._waiting[number] = plan.keys & self._running.keys()
        self._tell(number)
        return new

    def _seed_for(self, student: Student) -> int:
        """The class's inputs, or a student's own; the run's seed repeats both."""
        if self.settings.inputs == "class":
            return self.journal.seed
        digest = hashlib.sha256(f"{self.journal.seed} {student.key}".encode())
        return int.from_bytes(digest.digest()[:5], "little")

    def take(self, key: str, text: str) -> None:
        """Write a result into the journal."""
        result = JobResult.model_validate_json(text)
        if result.refusal:
            raise ExecutorError(result.refusal)
        lesson = self._running.pop(key)
        if result.error:
            self.failures[key] = result.error
            self.tally.failed += 1
        else:
            self.journal.put(key, lesson, result)
            self.tally.graded += 1
        for number, keys in list(self._waiting.items()):
            if key in keys:
                keys.discard(key)
                self._tell(number)

    def _tell(self, number: int) -> None:
        if not self._waiting[number]:
            del self._waiting[number]
            self._on_student()

    def lessons_that_count(self) -> list[Lesson]:
        """Those asked for, or else those that somebody handed in.

        Where only the functions in files tell, a lesson must be answered by many: a few students'
        own helpers may bear the name of another lesson's function.
        """
        if self.settings.lessons is not None:
            return self._lessons
        told = set().union(*(plan.told | {*plan.reasons} for plan in self.plans))
        guessed = Counter(name for plan in self.plans for name in plan.guessed)
        most = max(guessed.values(), default=0)
        counting = told | {name for name, count in guessed.items() if 2 * count >= most}
        return [lesson for lesson in self._lessons if lesson.name in counting]

    def grades(self, lessons: list[Lesson]) -> Iterator[Graded]:
        """Every student's grade, one at a time."""
        for plan in self.plans:
            corrections = self.corrections.get(plan.student.key, NONE)
            graded = grade_student(
                plan, lessons, self.settings, self.journal.get, self.failures, corrections
            )
            if is_nameless(plan.student):
                graded = replace(graded, grade=without_files_names(graded.grade))
            yield graded
