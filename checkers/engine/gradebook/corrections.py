"""What the instructor decided by hand, in a file: points, extensions, excuses. Regrading keeps it.

```toml
[[points]]
student = "Jane Doe"          # a name, a number or an address
exercise = "psnr"
points = 3                    # of the exercise's own, before weights and lateness
comment = "Right but for a sign; we talked about it."

[[extension]]
student = "10472"
lesson = "01"                 # without it, every lesson
due = 2026-03-08T23:59:00+01:00

[[excused]]
student = "jdoe@example.edu"
lesson = "02"
comment = "Ill."
```
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, Field

from checkers.engine.gradebook.roster import RosterError, find_student
from checkers.engine.gradebook.settings import SettingsError, Strict, read_toml
from checkers.engine.gradebook.submissions import Student
from checkers.engine.registry import Lesson, UnknownLessonError, all_lessons, find_lesson


class Points(Strict):
    """An exercise's points for one student."""

    student: str
    exercise: str
    points: float = Field(ge=0, allow_inf_nan=False)
    comment: str = ""


class Extension(Strict):
    """Another deadline for one student; every lesson's if none is named."""

    student: str
    due: AwareDatetime
    lesson: str | None = None
    comment: str = ""


class Excused(Strict):
    """A lesson that does not count for one student; none does if none is named."""

    student: str
    lesson: str | None = None
    comment: str = ""


class _File(Strict):
    points: list[Points] = Field(default_factory=list)
    extension: list[Extension] = Field(default_factory=list)
    excused: list[Excused] = Field(default_factory=list)


@dataclass
class Corrections:
    """What holds for one student.

    Attributes:
        points: by exercise.
        extensions: by lesson.
        excused: by lesson.
    """

    points: dict[str, Points] = field(default_factory=dict)
    extensions: dict[str, Extension] = field(default_factory=dict)
    excused: dict[str, Excused] = field(default_factory=dict)

    def due(self, lesson: str) -> datetime | None:
        """The student's own deadline."""
        return self.extensions[lesson].due if lesson in self.extensions else None

    def comment(self, lesson: Lesson) -> str:
        """What the instructor says of the lesson."""
        if lesson.name in self.excused:
            return self.excused[lesson.name].comment
        if lesson.name in self.extensions:
            extension = self.extensions[lesson.name]
            return f"Due {extension.due:%Y-%m-%d %H:%M %z}. {extension.comment}".strip()
        return ""


NONE = Corrections()


def load_corrections(path: Path | None, students: Sequence[Student]) -> dict[str, Corrections]:
    """Read the file; what holds for whom, by the student's key.

    Raises:
        SettingsError: in one sentence, if something in it can't be meant.
    """
    if path is None:
        return {}
    file = read_toml(path, _File)
    found: dict[str, Corrections] = {}
    exercises = {exercise.name for lesson in all_lessons() for exercise in lesson.exercises}
    try:
        for points in file.points:
            if points.exercise not in exercises:
                raise SettingsError(f"{path.name}: there is no exercise {points.exercise!r}.")
            _of(found, students, points.student).points[points.exercise] = points
        for extension in file.extension:
            for lesson in _lessons(extension.lesson):
                _of(found, students, extension.student).extensions[lesson.name] = extension
        for excused in file.excused:
            for lesson in _lessons(excused.lesson):
                _of(found, students, excused.student).excused[lesson.name] = excused
    except (RosterError, UnknownLessonError) as error:
        raise SettingsError(f"{path.name}: {error}") from None
    return found


def _of(found: dict[str, Corrections], students: Iterable[Student], text: str) -> Corrections:
    return found.setdefault(find_student(text, students).key, Corrections())


def _lessons(text: str | None) -> Sequence[Lesson]:
    return all_lessons() if text is None else [find_lesson(text)]
