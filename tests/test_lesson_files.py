"""Lessons are those that have a checker; copies and a damaged notebook harm no other."""

import shutil

import pytest

from checkers.engine import registry
from checkers.engine.checking import course_progress
from checkers.engine.progress import progress_lines
from checkers.engine.registry import all_lessons, find_lesson
from checkers.engine.submission import SubmissionError, read_submission

NUMBERS = [lesson.number for lesson in all_lessons()]
THIRD = "03_one_step_denoising"


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """A copy of the lesson notebooks that may be changed."""
    folder = tmp_path / "lessons"
    folder.mkdir()
    for path in registry.LESSONS.glob("*.ipynb"):
        shutil.copy(path, folder)
    monkeypatch.setattr(registry, "LESSONS", folder)
    monkeypatch.setattr("checkers.engine.checking._PROGRESS", tmp_path / "progress.json")
    all_lessons.cache_clear()
    yield folder
    all_lessons.cache_clear()


@pytest.mark.parametrize("name", [f"{THIRD}_backup", f"{THIRD} (1)", f"{THIRD}-Copy1", "17_notes"])
@pytest.mark.parametrize("solved", [True, False])
def test_a_copy_beside_the_lessons_is_no_lesson(lessons, monkeypatch, name, solved):
    shutil.copy(lessons / f"{THIRD}.ipynb", lessons / f"{name}.ipynb")
    if not solved:
        monkeypatch.setattr(registry, "SOLVED", lessons / "none")
    assert [lesson.number for lesson in all_lessons()] == NUMBERS
    assert find_lesson("03").notebook == lessons / f"{THIRD}.ipynb"
    assert find_lesson("03").exercises


def test_a_lesson_of_which_only_a_copy_is_left_is_still_one(lessons, monkeypatch):
    monkeypatch.setattr(registry, "SOLVED", lessons / "none")
    (lessons / f"{THIRD}.ipynb").rename(lessons / f"{THIRD} (1).ipynb")
    assert [lesson.number for lesson in all_lessons()] == NUMBERS


DAMAGES = {
    "merge": ("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main\n", "markers of a merge"),
    "web page": ("<!DOCTYPE html><html></html>", "web page"),
    "cut": ('{"cells": [', "JSON is damaged"),
    "gone": (None, "There is no file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_notebook_is_told_and_what_to_do(lessons, damage):
    text, words = DAMAGES[damage]
    path = lessons / f"{THIRD}.ipynb"
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(SubmissionError, match=words):
        read_submission(path)


def test_status_marks_one_damaged_notebook_and_lists_the_others(lessons, monkeypatch):
    (lessons / f"{THIRD}.ipynb").write_text("<html>")
    monkeypatch.setattr("checkers.engine.checking.CourseWorker", _NoWorker)
    monkeypatch.setattr("checkers.engine.checking.check_submission", _nothing_written)
    reports = course_progress()
    lines = progress_lines(reports)
    assert len(reports) == len(NUMBERS)
    assert [line.split()[0] for line in lines[: len(NUMBERS)]] == NUMBERS
    assert [NUMBERS[i] for i, line in enumerate(lines) if "cannot be read" in line] == ["03"]
    assert sum("not started" in line for line in lines) == len(NUMBERS) - 1
    assert "web page" in " ".join(lines)
    assert "Next: lessons/00_" in lines[-1]


class _NoWorker:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def _nothing_written(submission, lessons, worker):
    from checkers.engine.checking import LessonReport
    from checkers.engine.report import CaseResult, Report, Status

    (lesson,) = lessons
    reports = [
        Report(
            exercise=e.name,
            lesson=lesson.name,
            cases=[CaseResult(title="", status=Status.NOT_ATTEMPTED, points=0, max_points=1)],
        )
        for e in lesson.exercises
    ]
    return [LessonReport(number=lesson.number, lesson=lesson.name, reports=reports)]
