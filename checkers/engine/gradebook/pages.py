"""Feedback and summary as static pages: no scripts, real headings, readable in light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from checkers.engine.card import marked_up
from checkers.engine.gradebook.results import READ, LessonGrade, StudentGrade
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.statistics import BINS, ClassStatistics
from checkers.engine.registry import Lesson

_BAR_WIDTH, _GAP, _HEIGHT = 52, 8, 160


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("checkers.engine.gradebook"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked_up"] = lambda text: Markup(marked_up(text))  # escaped by the card
    return environment


def feedback_page(student: StudentGrade, cards: Mapping[str, list[str]]) -> str:
    """One student's page.

    Args:
        student: the grade.
        cards: by lesson, the HTML made by `checkers.engine.card`, which has escaped all text.
    """
    lessons = [(lesson, cards.get(lesson.lesson, [])) for lesson in student.lessons]
    problems = [file for file in student.files if file.status != READ]
    return (
        _templates()
        .get_template("feedback.html")
        .render(
            student=student, lessons=lessons, problems=problems, words=_in_words, lateness=_lateness
        )
    )


def summary_page(
    statistics: ClassStatistics, lessons: list[Lesson], seed: int, settings: Settings
) -> str:
    """The class's page."""
    return (
        _templates()
        .get_template("summary.html")
        .render(
            statistics=statistics,
            lessons=lessons,
            seed=seed,
            settings=settings,
            bars=_bars(statistics.bins),
            chart={"width": BINS * (_BAR_WIDTH + _GAP), "height": _HEIGHT + 44},
            mistakes=statistics.common_mistakes(),
            hard=statistics.hard_cases(),
            empty=statistics.empty_exercises(),
            checked=statistics.most_checked(),
            needs=statistics.in_need(),
            words=_in_words,
        )
    )


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def _lateness(lesson: LessonGrade) -> str:
    if not lesson.late:
        return ""
    taken = 1 - lesson.kept
    return (
        f"Late: {taken:.0%} of its points are taken off." if taken else "Late; nothing taken off."
    )


def _bars(bins: list[int]) -> list[dict[str, Any]]:
    """Place and size of each bar of the histogram."""
    most = max(bins) or 1
    bars = []
    for number, count in enumerate(bins):
        height = round(count / most * (_HEIGHT - 20))
        bars.append(
            {
                "x": number * (_BAR_WIDTH + _GAP),
                "y": _HEIGHT - height,
                "width": _BAR_WIDTH,
                "height": height,
                "count": count,
                "label": f"{number * 100 // BINS}–{(number + 1) * 100 // BINS}",
            }
        )
    return bars
