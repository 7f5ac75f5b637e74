"""What the class as a whole did: what to talk about on Monday."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median

from checkers.engine.gradebook.movement import Movement
from checkers.engine.gradebook.names import alphabetical
from checkers.engine.gradebook.results import EXCUSED, READ, ExerciseGrade, StudentGrade
from checkers.engine.gradebook.similarity import Group
from checkers.engine.registry import Lesson, find_lesson

BINS = 10
_SHOWN_CASES = 12
_SHOWN_PEOPLE = 15
_LITTLE = 0.5
# Why somebody may need help, the most urgent first; what is none of these is told by points.
_NEEDS = (
    (("not submitted",), "handed in nothing"),
    (("missing", "not attempted", "not submitted"), "answered nothing"),
)


@dataclass
class ExerciseStatistics:
    """One exercise over the class: statuses, points, failed cases, mistakes and checks, counted."""

    name: str
    max_points: int
    students: int = 0
    points: float = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failed_cases: Counter[str] = field(default_factory=Counter)
    mistakes: Counter[str] = field(default_factory=Counter)
    checks: Counter[int] = field(default_factory=Counter)

    @property
    def passed(self) -> int:
        """How many solved it."""
        return self.statuses["passed"]

    @property
    def usual_checks(self) -> float | None:
        """How often it was checked until it passed: the median, as one notebook may say anything.

        None if no notebook tells.
        """
        return median(self.checks.elements()) if self.checks else None


@dataclass
class ClassStatistics:
    """The class, counted one student at a time; its size doesn't matter.

    Attributes:
        students: how many.
        bins: how many reached 0 to 10 % of the points, 10 to 20 %, ...
        statuses: of all exercises of all students.
        files: by status, of all files.
        isolation: by level, of all lessons that were run.
        exercises: by lesson name, in order.
        unread: (student, file, status) of each file that could not be read or was left aside.
        notes: (student, note) of whatever was passed over or chosen between.
        passed_over: names of files that are nobody's.
        unknown: who handed in and is not on the roster.
        alike: students whose code agrees more than the class's does.
        movement: since earlier results that lie beside these.
        edited: feedback pages that somebody changed by hand.
        people: name, points, statuses in words and feedback page of everyone.
        needs: (how urgent, share of the points, name, why, page) of who may need help.
    """

    students: int = 0
    bins: list[int] = field(default_factory=lambda: [0] * BINS)
    statuses: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    isolation: Counter[str] = field(default_factory=Counter)
    late: int = 0
    exercises: dict[str, list[ExerciseStatistics]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unread: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    alike: list[Group] = field(default_factory=list)
    movement: Movement | None = None
    edited: list[str] = field(default_factory=list)
    people: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    needs: list[tuple[int, float, str, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, lessons: list[Lesson]) -> ClassStatistics:
        """Statistics of nobody, with a row for every exercise."""
        statistics = cls()
        for lesson in lessons:
            statistics.exercises[lesson.name] = [
                ExerciseStatistics(e.name, sum(case.points for case in e.cases))
                for e in lesson.exercises
            ]
        return statistics

    def add(self, student: StudentGrade) -> None:
        """Count one student."""
        self.students += 1
        share = student.points / student.max_points if student.max_points else 0.0
        self.bins[min(BINS - 1, max(0, int(share * BINS)))] += 1
        self.statuses.update(student.statuses)
        self.files.update(file.status for file in student.files)
        unread = [file for file in student.files if file.status != READ]
        self.unread += [(student.student, file.name, file.status) for file in unread]
        self.notes += [(student.student, note) for note in student.notes]
        self.late += any(lesson.late for lesson in student.lessons)
        for lesson in student.lessons:
            self.isolation.update([lesson.isolation] if lesson.isolation else [])
            for row, grade in zip(self.exercises[lesson.lesson], lesson.exercises, strict=True):
                _count(row, grade)
        words = ", ".join(f"{count} {status}" for status, count in student.statuses.items())
        points = f"{student.points:g} of {student.max_points:g}"
        self.people.append((student.student, student.id, points, words, student.feedback))
        self._note_need(student, share, points)

    def _note_need(self, student: StudentGrade, share: float, points: str) -> None:
        statuses = {*student.statuses} - {"excused"}
        if not statuses:
            return
        for urgency, (known, why) in enumerate(_NEEDS):
            if statuses <= {*known}:
                self.needs.append((urgency, share, student.student, why, student.feedback))
                return
        unread = [file.name for file in student.files if file.status != READ]
        if unread and not student.points:
            why = f"{unread[0]} could not be read"
        elif share < _LITTLE:
            why = points
        else:
            return
        self.needs.append(
            (len(_NEEDS) + (not unread), share, student.student, why, student.feedback)
        )

    def in_need(self) -> list[tuple[int, float, str, str, str]]:
        """Who may need help: first who handed in nothing, then by points; the first of them."""
        ordered = sorted(self.needs, key=lambda need: (*need[:2], alphabetical(need[2]), *need[2:]))
        return ordered[:_SHOWN_PEOPLE]

    def empty_exercises(self) -> list[tuple[int, str, str]]:
        """(students who did not answer it, lesson, exercise), the emptiest first.

        Only of those who handed the lesson in: who did not is told elsewhere.
        """
        found = [
            (row.statuses["not attempted"] + row.statuses["missing"], lesson, row.name)
            for lesson, rows in self.exercises.items()
            for row in rows
        ]
        return sorted((each for each in found if each[0]), key=lambda each: -each[0])[:_SHOWN_CASES]

    def most_checked(self) -> list[tuple[float, int, str, str]]:
        """(median of checks until it passed, notebooks that tell, lesson, exercise).

        Those that took more than one, the most first.
        """
        found = [
            (row.usual_checks or 0, row.checks.total(), lesson, row.name)
            for lesson, rows in self.exercises.items()
            for row in rows
        ]
        several = (each for each in found if each[0] > 1)
        return sorted(several, key=lambda each: -each[0])[:_SHOWN_CASES]

    def common_mistakes(self) -> list[tuple[int, str, str, str, str]]:
        """(students, lesson, exercise, mistake, its sentence), the most common first."""
        found = [
            (count, lesson, row.name, mistake, _sentence(lesson, row.name, mistake))
            for lesson, rows in self.exercises.items()
            for row in rows
            for mistake, count in row.mistakes.items()
        ]
        return sorted(found, key=lambda entry: (-entry[0], entry[1:4]))

    def hard_cases(self) -> list[tuple[int, str, str, str]]:
        """(students who failed it, lesson, exercise, case), the most often failed first."""
        found = [
            (count, lesson, row.name, title)
            for lesson, rows in self.exercises.items()
            for row in rows
            for title, count in row.failed_cases.items()
        ]
        return sorted(found, key=lambda entry: (-entry[0], entry[1:]))[:_SHOWN_CASES]


def _count(row: ExerciseStatistics, grade: ExerciseGrade) -> None:
    if grade.status == EXCUSED:
        return
    row.students += 1
    row.points += grade.points
    row.statuses[grade.status.value] += 1
    row.mistakes.update(set(grade.mistakes))
    row.checks.update([grade.checks] if grade.checks else [])
    if grade.status not in ("not attempted", "missing"):
        row.failed_cases.update(c.title for c in grade.cases if c.status != "passed")


def _sentence(lesson: str, exercise: str, mistake: str) -> str:
    known = (m for e in find_lesson(lesson).exercises if e.name == exercise for m in e.mistakes)
    return next((m.sentence for m in known if m.name == mistake), "")
