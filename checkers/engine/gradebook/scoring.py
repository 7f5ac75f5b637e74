"""From results and policy to a student's grade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from checkers.engine.gradebook.corrections import NONE, Corrections
from checkers.engine.gradebook.jobs import JobResult
from checkers.engine.gradebook.names import file_stem
from checkers.engine.gradebook.plans import Candidate, Plan
from checkers.engine.gradebook.results import (
    NOT_GRADED,
    Correction,
    ExerciseGrade,
    GradeStatus,
    LessonGrade,
    StudentGrade,
    exercise_grade,
)
from checkers.engine.gradebook.settings import Settings
from checkers.engine.registry import Lesson
from checkers.engine.report import gravest

Find = Callable[[str], JobResult | None]
_ORDER = list(GradeStatus)
_DIGITS = 4


@dataclass(frozen=True)
class Graded:
    """A student's grade, and where the cards of each graded lesson are."""

    grade: StudentGrade
    cards: dict[str, str]


def grade_student(
    plan: Plan,
    lessons: list[Lesson],
    settings: Settings,
    find: Find,
    failures: dict[str, str],
    corrections: Corrections = NONE,
) -> Graded:
    """The grade of one student from the results of the jobs.

    Args:
        plan: what was handed in and chosen.
        lessons: those that count.
        settings: weights.
        find: gives the result of a key, if there is one.
        failures: by key, why a job could not be graded, through no fault of the student's.
        corrections: what the instructor decided for this student.
    """
    grades, cards = [], {}
    for lesson in lessons:
        grade, key = _grade_lesson(plan, lesson, settings, find, failures)
        grades.append(_corrected(grade, lesson, settings, corrections))
        if key:
            cards[lesson.name] = key
    statuses = Counter(exercise.status for grade in grades for exercise in grade.exercises)
    student = plan.student
    stem = file_stem(student.key, student.name)
    return Graded(
        StudentGrade(
            student=student.name,
            id=student.ident,
            columns=student.columns,
            points=round(sum(grade.points for grade in grades), _DIGITS),
            max_points=round(sum(grade.max_points for grade in grades), _DIGITS),
            statuses={status.value: statuses[status] for status in _ORDER if statuses[status]},
            notes=plan.notes,
            files=plan.files,
            lessons=grades,
            feedback=f"feedback/{stem}.html",
        ),
        cards,
    )


def _grade_lesson(
    plan: Plan, lesson: Lesson, settings: Settings, find: Find, failures: dict[str, str]
) -> tuple[LessonGrade, str]:
    """One lesson's grade and the key of the result that it is from; "" if there is none."""
    graded: list[tuple[LessonGrade, str]] = []
    for candidate in plan.candidates.get(lesson.name, []):
        result = find(candidate.key)
        if result is None:
            message = failures.get(candidate.key, "It was not graded.")
            grade = _without_result(lesson, settings, NOT_GRADED, message)
            graded.append((grade.model_copy(update={"file": candidate.file}), ""))
        else:
            graded.append((_from_result(lesson, settings, candidate, result), candidate.key))
    if graded:
        # Of equals the later one.
        return max(reversed(graded), key=lambda pair: (bool(pair[1]), pair[0].points))
    status, message = plan.reason(lesson.name)
    return _without_result(lesson, settings, status, message), ""


def _corrected(
    grade: LessonGrade, lesson: Lesson, settings: Settings, corrections: Corrections
) -> LessonGrade:
    """A lesson's grade with what the instructor decided."""
    comment = corrections.comment(lesson)
    if lesson.name in corrections.excused:
        nothing = {"status": GradeStatus.EXCUSED, "points": 0.0, "mistakes": [], "cases": []}
        return grade.model_copy(
            update={
                **{"status": GradeStatus.EXCUSED, "excused": True, "comment": comment},
                **{"points": 0.0, "max_points": 0.0},
                "exercises": [each.model_copy(update=nothing) for each in grade.exercises],
            }
        )
    exercises = [_with_points(each, corrections) for each in grade.exercises]
    if exercises == grade.exercises:
        return grade.model_copy(update={"comment": comment})
    points = _weighted(exercises, lesson, settings) * grade.kept
    update = {"exercises": exercises, "points": round(points, _DIGITS), "comment": comment}
    return grade.model_copy(update=update)


def _with_points(exercise: ExerciseGrade, corrections: Corrections) -> ExerciseGrade:
    points = corrections.points.get(exercise.exercise)
    if points is None:
        return exercise
    correction = Correction(points_before=exercise.points, comment=points.comment)
    return exercise.model_copy(update={"points": points.points, "correction": correction})


def _weighted(exercises: list[ExerciseGrade], lesson: Lesson, settings: Settings) -> float:
    points = sum(each.points * settings.exercise_weight(each.exercise) for each in exercises)
    return points * settings.lesson_weight(lesson)


def _from_result(
    lesson: Lesson, settings: Settings, candidate: Candidate, result: JobResult
) -> LessonGrade:
    exercises = [
        exercise_grade(report, candidate.checks.get(report.exercise)) for report in result.reports
    ]
    points = _weighted(exercises, lesson, settings)
    return LessonGrade(
        number=lesson.number,
        lesson=lesson.name,
        status=GradeStatus(gravest(report.status for report in result.reports).value),
        points=round(points * candidate.kept, _DIGITS),
        max_points=_max_points(lesson, settings),
        full_points=_max_points(lesson, settings),
        file=candidate.file,
        late=candidate.late,
        kept=round(candidate.kept, _DIGITS),
        isolation=result.isolation,
        exercises=exercises,
    )


def _without_result(lesson: Lesson, settings: Settings, status: str, message: str) -> LessonGrade:
    return LessonGrade(
        number=lesson.number,
        lesson=lesson.name,
        status=GradeStatus(status),
        points=0.0,
        max_points=_max_points(lesson, settings),
        full_points=_max_points(lesson, settings),
        exercises=[
            ExerciseGrade(
                exercise=exercise.name,
                status=GradeStatus(status),
                points=0,
                max_points=sum(case.points for case in exercise.cases),
                message=message,
            )
            for exercise in lesson.exercises
        ],
    )


def _max_points(lesson: Lesson, settings: Settings) -> float:
    total = sum(
        sum(case.points for case in exercise.cases) * settings.exercise_weight(exercise.name)
        for exercise in lesson.exercises
    )
    return round(total * settings.lesson_weight(lesson), _DIGITS)
