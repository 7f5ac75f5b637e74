"""What to grade for one student: which file counts for which lesson, by the stated policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checkers.engine.gradebook.corrections import NONE, Corrections
from checkers.engine.gradebook.jobs import Job, key_of, sources_digest
from checkers.engine.gradebook.reading import Contents, ReadFile, read_files
from checkers.engine.gradebook.results import NOT_SUBMITTED, READ, FileGrade
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import Student
from checkers.engine.registry import Lesson
from checkers.engine.submission import Unreadable


@dataclass(frozen=True)
class Candidate:
    """A file that may count for a lesson.

    Attributes:
        key: names its result in the journal.
        file: its name.
        late: whether it is late.
        kept: the share of the points that is left after lateness.
        checks: by exercise, how often the notebook says it was checked.
    """

    key: str
    file: str
    late: bool
    kept: float
    checks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """A result that a student's plan needs; its job is made only if nobody has it."""

    key: str
    lesson: str
    file: ReadFile
    seed: int
    require: str
    show_hidden: bool

    def job(self) -> Job:
        """What is to be run for it."""
        return Job(
            key=self.key,
            lesson=self.lesson,
            cells=self.file.cells,
            seed=self.seed,
            sources=sources_digest(),
            require=self.require,
            show_hidden=self.show_hidden,
        )


@dataclass
class Plan:
    """One student's files, read; small, as it is kept until the class is done.

    Attributes:
        student: whose.
        files: what was handed in.
        candidates: by lesson, what is graded for it, earliest first.
        reasons: by lesson, the status and sentence of a file that can't be read; under "" that of
            one whose name tells no lesson.
        notes: what was passed over or chosen between.
        told: lessons that a file's name or its check cells tell.
        guessed: these, and those that only the functions in a file tell.
    """

    student: Student
    files: list[FileGrade] = field(default_factory=list)
    candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    guessed: set[str] = field(default_factory=set)

    @property
    def keys(self) -> set[str]:
        """The results this student waits for."""
        return {c.key for candidates in self.candidates.values() for c in candidates}

    @property
    def answered(self) -> set[str]:
        """The lessons that a file is for, readable or not."""
        return (self.guessed | {*self.reasons}) - {""}

    def reason(self, lesson: str) -> tuple[str, str]:
        """Why nothing is graded for a lesson: a status and a sentence."""
        nothing = (NOT_SUBMITTED, f"Nothing was handed in for {lesson}.")
        return self.reasons.get(lesson) or self.reasons.get("") or nothing


def make_plan(
    student: Student,
    lessons: list[Lesson],
    settings: Settings,
    seed: int,
    require: str,
    *,
    show_hidden: bool = True,
    corrections: Corrections = NONE,
    contents: Contents | None = None,
) -> tuple[Plan, list[Wanted]]:
    """Read a student's files; the plan, and the results it needs.

    Args:
        student: whose files to read.
        lessons: those that may count.
        settings: decides between several files for one lesson.
        seed: the run's.
        require: the weakest isolation that will do; "" for any.
        show_hidden: whether the cards show hidden cases.
        corrections: the student's; an extension moves the deadline.
        contents: knows what is in files that were read before.
    """
    plan = Plan(student, notes=list(student.notes))
    names = [lesson.name for lesson in lessons]
    found: dict[str, list[ReadFile]] = {}
    for file in read_files(student, contents):
        plan.files.append(_file_grade(file))
        if file.problem is not None:
            # A solution that came with the course says nothing of what was handed in.
            of_the_course = file.problem is Unreadable.COURSE_FILE
            for lesson in ("",) if of_the_course else file.lessons or ("",):
                plan.reasons.setdefault(lesson, (file.problem.value, file.message))
            continue
        for lesson in (*file.lessons, *file.helpers):
            if lesson in names:
                found.setdefault(lesson, []).append(file)
        if not file.own:
            plan.told |= set(file.lessons) if file.told else set()
            plan.guessed |= set(file.lessons)
    wanted = []
    for lesson in filter(found.__contains__, names):
        for file in _choose(found[lesson], lesson, plan, settings):
            key = key_of(file.code, lesson, seed)
            due = corrections.due(lesson)
            days = settings.late.days_late(lesson, file.late, file.time, due)
            kept = settings.late.kept(days)
            candidate = Candidate(key, file.name, days > 0, kept, file.checks)
            plan.candidates.setdefault(lesson, []).append(candidate)
            wanted.append(Wanted(key, lesson, file, seed, require, show_hidden))
    return plan, wanted


def _file_grade(file: ReadFile) -> FileGrade:
    return FileGrade(
        name=file.name,
        status=file.problem.value if file.problem else READ,
        message=file.message,
        lessons=list(file.lessons),
        late=file.late,
    )


def _most_clearly_for(lesson: str, files: list[ReadFile], plan: Plan) -> list[ReadFile]:
    """Those of the files that are for this lesson, rather than use a function of it for another."""
    clearest = min(_unclear(file, lesson) for file in files)
    chosen = [file for file in files if _unclear(file, lesson) == clearest]
    if len(chosen) < len(files):
        others = ", ".join(file.name for file in files if file not in chosen)
        plan.notes.append(f"For {lesson}, {others} was left aside: it answers other lessons, too.")
    return chosen


def _unclear(file: ReadFile, lesson: str) -> tuple[bool, int]:
    """Grows with doubt whether a file is for this lesson."""
    return lesson not in file.lessons, len(file.lessons)


def _choose(files: list[ReadFile], lesson: str, plan: Plan, settings: Settings) -> list[ReadFile]:
    """The files to grade for one lesson, and a note if there was a choice."""
    files = [file for file in files if not file.own] or files
    if settings.duplicates != "best":
        files = _most_clearly_for(lesson, files, plan)
    ordered = sorted(files, key=lambda file: file.order)
    if lesson in plan.reasons:
        plan.notes.append(
            f"For {lesson} a file could not be read ({plan.reasons[lesson][0]}); "
            f"another one was graded."
        )
    if len(ordered) == 1:
        return ordered
    if settings.duplicates == "best":
        plan.notes.append(f"{len(ordered)} files answer {lesson}; the best one counts.")
        return ordered
    plan.notes.append(
        f"{len(ordered)} files answer {lesson}; the latest counts, {ordered[-1].name}."
    )
    return ordered[-1:]
