"""What the instructor decided by hand is kept when the class is graded again, and shown as that."""

import csv
from datetime import UTC, datetime

import pytest
from made_up_class import answer, pretend, write

from checkers.engine.gradebook.corrections import load_corrections
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import Circumstances, grade_class
from checkers.engine.gradebook.settings import Late, Settings, SettingsError, load_settings
from checkers.engine.gradebook.submissions import find_students

FILES = {"al.ipynb": answer(1.0), "jane_LATE_1001_7_01.ipynb": answer(0.5)}
LATE = Settings(late=Late(penalty=0.5), lessons=["forward_noising"])


def _graded(tmp_path, overrides, settings=LATE, files=FILES):
    students = find_students(write(tmp_path / "class", files))
    path = tmp_path / "overrides.toml"
    path.write_text(overrides, encoding="utf-8")
    out = tmp_path / "results"
    about = Circumstances(corrections=load_corrections(path, students))
    grade_class(students, out, pretend, settings, circumstances=about)
    book = Gradebook.model_validate_json((out / "grades.json").read_text(encoding="utf-8"))
    return {student.student: student for student in book.students}, out


def _row(out, student):
    with (out / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return next(row for row in csv.DictReader(file) if row["student"] == student)


POINTS = """
[[points]]
student = "jane"
exercise = "forward"
points = 6
comment = "Right but for a sign."
"""


def test_points_by_hand_are_kept_and_shown_in_every_table(tmp_path):
    before, _ = _graded(tmp_path, "")
    for _ in range(2):  # grading again keeps them
        students, out = _graded(tmp_path, POINTS)
        jane = students["jane"].lessons[0]
        forward = jane.exercises[0]
        assert forward.points == 6 and jane.points == 3.0  # late: half of it
        assert forward.correction.points_before == before["jane"].lessons[0].exercises[0].points
        assert forward.status == "wrong"  # what the checkers said is still there
        page = (out / students["jane"].feedback).read_text()
        assert "Right but for a sign." in page and "counts 6 of" in page
        row = _row(out, "jane")
        assert row["forward points"] == "6" and row["forward status"] == "wrong (corrected)"
        was = f"{forward.correction.points_before:g}"
        assert f"forward: 6 by hand, not {was}. Right but for a sign." in row["notes"]
        assert students["al"] == before["al"]
        canvas = (out / "grades-canvas.csv").read_text(encoding="utf-8-sig").splitlines()
        assert canvas[2].endswith(",3")


def test_points_by_hand_count_where_nothing_was_handed_in(tmp_path):
    settings = Settings(lessons=["forward_noising", "sampling"])
    overrides = '[[points]]\nstudent = "al"\nexercise = "sample"\npoints = 4\n'
    students, _ = _graded(tmp_path, overrides, settings)
    sampling = students["al"].lessons[1]
    assert (sampling.points, sampling.status) == (4, "not submitted")


def test_an_extension_takes_the_mark_away_that_the_platform_set(tmp_path):
    overrides = """
[[extension]]
student = "1001"
lesson = "01"
due = 2026-03-08T23:59:00+01:00
comment = "Ill."
"""
    students, out = _graded(tmp_path, overrides)
    lesson = students["jane"].lessons[0]
    assert (lesson.late, lesson.kept) == (False, 1.0)
    assert lesson.comment == "Due 2026-03-08 23:59 +0100. Ill."
    assert "Due 2026-03-08" in (out / students["jane"].feedback).read_text()
    assert "Due 2026-03-08" in _row(out, "jane")["notes"]


def test_after_an_extension_late_is_late(tmp_path):
    late = Late(penalty=0.25, per="day", lessons={"psnr": datetime(2026, 3, 1, tzinfo=UTC)})
    time = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert late.days_late("psnr", False, time) == 4
    assert late.days_late("psnr", True, time, datetime(2026, 3, 4, tzinfo=UTC)) == 1
    assert late.days_late("psnr", True, time, datetime(2026, 3, 5, tzinfo=UTC)) == 0


def test_a_deadline_for_each_lesson_is_read(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('[late.lessons]\n"01" = 2026-03-01T23:59:00+01:00\n')
    assert list(load_settings(path).late.lessons) == ["forward_noising"]
    path.write_text("[late.lessons]\nnine = 2026-03-01T23:59:00+01:00\n")
    with pytest.raises(SettingsError, match="There is no lesson 'nine'"):
        load_settings(path)


def test_who_is_excused_loses_nothing(tmp_path):
    overrides = '[[excused]]\nstudent = "jane"\nlesson = "01"\ncomment = "Ill."\n'
    students, out = _graded(tmp_path, overrides)
    jane = students["jane"]
    assert (jane.points, jane.max_points, jane.statuses) == (0, 0, {"excused": 1})
    assert jane.lessons[0].full_points == students["al"].max_points > 0
    canvas = (out / "grades-canvas.csv").read_text(encoding="utf-8-sig").splitlines()
    assert canvas[2].endswith(",EX")
    page = (out / jane.feedback).read_text()
    assert "does not count for you" in page and "It is" not in page
    assert _row(out, "jane")["01 forward_noising status"] == "excused"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ('[[points]]\nstudent = "ada"\nexercise = "forward"\npoints = 1', "Nobody in the class"),
        ('[[points]]\nstudent = "al"\nexercise = "forwrd"\npoints = 1', "no exercise 'forwrd'"),
        ('[[points]]\nstudent = "al"\nexercise = "forward"\npoints = -1', "greater than or equal"),
        ('[[points]]\nstudent = "al"\nexercise = "forward"\npoints = nan', "finite"),
        ('[[excused]]\nstudent = "al"\nlesson = "99"', "There is no lesson '99'"),
        ('[[extension]]\nstudent = "al"\ndue = 2026-03-08T23:59:00', "timezone"),
        ('[[exused]]\nstudent = "al"', "there is no setting 'exused'"),
        ("[[", "is not TOML"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_graded(tmp_path, overrides, sentence):
    with pytest.raises(SettingsError, match=rf"overrides\.toml.*{sentence}"):
        _graded(tmp_path, overrides)
    assert not (tmp_path / "results").exists()
