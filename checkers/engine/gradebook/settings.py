"""The policy of a course: which file counts, what lateness costs, what weighs how much."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from checkers.engine.registry import Lesson, UnknownLessonError, all_exercise_names, find_lesson


class SettingsError(ValueError):
    """Settings that cannot be used; the message is one sentence."""


class Strict(BaseModel):
    """Part of a file that people write: what it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


File = TypeVar("File", bound=Strict)


class Late(Strict):
    """What lateness costs.

    Attributes:
        penalty: the share of a late file's points that is taken off, 0 to 1.
        per: "file": once; "day": for every day begun after `due` (once, where the platform says
            only that a file is late).
        due: the deadline, with its time zone; it matters where the time of submission is known.
        lessons: other deadlines, by the lesson's name or number.
    """

    penalty: float = Field(default=0.0, ge=0.0, le=1.0)
    per: Literal["file", "day"] = "file"
    due: AwareDatetime | None = None
    lessons: dict[str, AwareDatetime] = Field(default_factory=dict)

    def kept(self, days: int) -> float:
        """The share of its points that a file keeps which is so many days late; 1 for 0."""
        if self.per == "file":
            days = min(days, 1)
        return max(0.0, 1.0 - self.penalty * days)

    def days_late(
        self, lesson: str, flagged: bool, time: datetime | None, extended: datetime | None = None
    ) -> int:
        """How many days after the deadline were begun; a mere mark counts as one.

        Args:
            lesson: its name.
            flagged: whether the platform marks the file as late. That says nothing against an
                extension, of which the platform does not know.
            time: when it was handed in, if that is known.
            extended: the student's own deadline.
        """
        due = extended or self.lessons.get(lesson, self.due)
        if due is not None and time is not None and time > due:
            return math.ceil((time - due).total_seconds() / 86400)
        return int(flagged and extended is None)


class Weights(Strict):
    """What points are multiplied by; 1 where nothing is said.

    Attributes:
        lessons: by the lesson's name or number.
        exercises: by the exercise's name.
    """

    lessons: dict[str, float] = Field(default_factory=dict)
    exercises: dict[str, float] = Field(default_factory=dict)


class Settings(Strict):
    """All that an instructor may set.

    Attributes:
        lessons: which lessons count; without it, those that somebody in the class handed in.
        duplicates: of several files for one lesson, the "latest" that can be read, or the "best".
        inputs: what the checkers give to the functions: the same for the whole "class", or each
            "student" other numbers, which takes longer.
        late: what lateness costs.
        weights: what weighs how much.
    """

    lessons: list[str] | None = None
    duplicates: Literal["latest", "best"] = "latest"
    inputs: Literal["class", "student"] = "class"
    late: Late = Field(default_factory=Late)
    weights: Weights = Field(default_factory=Weights)

    def lesson_weight(self, lesson: Lesson) -> float:
        """What the points of `lesson` are multiplied by."""
        return self.weights.lessons.get(lesson.name, 1.0)

    def exercise_weight(self, name: str) -> float:
        """What the points of the exercise are multiplied by, before the lesson's weight."""
        return self.weights.exercises.get(name, 1.0)


def load_settings(path: Path | None) -> Settings:
    """Read and check a TOML file; the defaults without one.

    Raises:
        SettingsError: in one sentence.
    """
    if path is None:
        return Settings()
    return _with_lesson_names(read_toml(path, Settings), path.name)


def read_toml(path: Path, kind: type[File]) -> File:
    """Read a TOML file into its model.

    Raises:
        SettingsError: in one sentence.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise SettingsError(f"{path.name} is not TOML: {error}.") from None
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{path.name}: {_first(error)}") from None


def with_lessons(settings: Settings, lessons: str | None) -> Settings:
    """The lessons named on the command line, "01,02", over those of the settings.

    Raises:
        UnknownLessonError: if there is no such lesson.
    """
    if lessons is None:
        return settings
    names = [find_lesson(text).name for text in lessons.split(",") if text.strip()]
    return settings.model_copy(update={"lessons": names or None})


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"there is no setting {where!r}."
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{where}: {message}; it is {problem['input']!r:.60}."


def _with_lesson_names(settings: Settings, file: str) -> Settings:
    """Lessons by their names whichever way they were written; weights that can be meant."""
    try:
        lessons = [find_lesson(text).name for text in settings.lessons or []]
        weights = {find_lesson(text).name: w for text, w in settings.weights.lessons.items()}
        due = {find_lesson(text).name: time for text, time in settings.late.lessons.items()}
    except UnknownLessonError as error:
        raise SettingsError(f"{file}: {error}") from None
    exercises = all_exercise_names()
    for name in settings.weights.exercises:
        if name not in exercises:
            raise SettingsError(
                f"{file}: there is no exercise {name!r}; there are {', '.join(sorted(exercises))}."
            )
    for name, weight in _all(weights, settings.weights.exercises):
        if not (math.isfinite(weight) and weight >= 0):
            raise SettingsError(f"{file}: the weight of {name} must be 0 or more; it is {weight}.")
    return settings.model_copy(
        update={
            "lessons": lessons or None,
            "late": settings.late.model_copy(update={"lessons": due}),
            "weights": settings.weights.model_copy(update={"lessons": weights}),
        }
    )


def _all(*weights: dict[str, float]) -> Iterable[tuple[str, float]]:
    return (item for each in weights for item in each.items())
