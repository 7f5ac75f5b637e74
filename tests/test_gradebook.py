"""A class's gradebook: the policy is kept, and no 0 goes unexplained."""

import csv
import html.parser
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from made_up_class import NOTEBOOK, RIGHT, STUB, answer, body, notebook, pretend, write, zipped
from typer.testing import CliRunner

from checkers.__main__ import app
from checkers.engine.authoring.release import load_release
from checkers.engine.gradebook import executors
from checkers.engine.gradebook.corrections import load_corrections
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import grade_class
from checkers.engine.gradebook.settings import Late, Settings, SettingsError, load_settings
from checkers.engine.gradebook.submissions import Student, find_students
from checkers.engine.gradebook.tables import schema_text
from checkers.engine.registry import find_lesson

POINTS = sum(case.points for e in find_lesson("01").exercises for case in e.cases)
OTHER = "02_classical_denoising.ipynb"


def _grade(tmp_path, files, settings=None, executor=pretend, **options):
    """Grade {path: content}; the gradebook by student."""
    folder = write(tmp_path / "class", files)
    out = tmp_path / "results"
    grade_class(find_students(folder), out, executor, settings or Settings(), **options)
    book = Gradebook.model_validate_json((out / "grades.json").read_text())
    return {student.student: student for student in book.students}


def _rows(tmp_path):
    with (tmp_path / "results" / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def _cli(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_every_end_keeps_its_own_status_in_every_output(tmp_path):
    files = {
        f"right/{NOTEBOOK}": notebook(RIGHT),
        "file-per-student.py": RIGHT,
        "doejane_123_456_hw.zip": zipped({NOTEBOOK: notebook(RIGHT)}),
        f"named mistake/{NOTEBOOK}": notebook(RIGHT.replace("(1 - alphas_cumprod[t]).sqrt()", "0")),
        f"stub/{NOTEBOOK}": notebook(STUB),
        f"renamed/{NOTEBOOK}": notebook("def forwrd(): pass"),
        f"crash/{NOTEBOOK}": notebook(body("os._exit(0)")),
        f"memory/{NOTEBOOK}": notebook(body("return torch.zeros(2**34)")),
        f"raises/{NOTEBOOK}": notebook(body("return im / 0 + undefined")),
        f"truncated/{NOTEBOOK}": notebook(RIGHT)[:-9],
        f"old/{NOTEBOOK}": b'{"worksheets": []}',
        "bytes.ipynb": b"\xff\xfe\x00",
        "other-homework.py": "def unrelated(): pass",
        "nothing/readme.txt": "",
    }
    out = tmp_path / "results"
    result = _cli("grade", write(tmp_path / "class", files), "--out", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    wanted = {
        "right": "passed",
        "file-per-student": "passed",
        "doejane": "passed",
        "named mistake": "wrong",
        "stub": "not attempted",
        "renamed": "missing",
        "crash": "crashed",
        "memory": "out of memory",
        "raises": "raised",
        "truncated": "damaged",
        "old": "notebook of version 3",
        "bytes": "not UTF-8",
        "other-homework": "nothing of the course",
        "nothing": "not submitted",
    }
    book = Gradebook.model_validate_json((out / "grades.json").read_text())
    assert book.lessons == ["forward_noising"]
    rows = _rows(tmp_path)
    summary = (out / "summary.html").read_text()
    assert {student.student for student in book.students} == set(wanted) == set(rows)
    for student in book.students:
        status = wanted[student.student]
        (lesson,) = student.lessons
        assert (lesson.status, lesson.exercises[0].status) == (status, status)
        assert student.statuses == {status: 1}
        assert (student.points == POINTS) == (status == "passed")
        assert student.max_points == POINTS
        assert rows[student.student]["forward status"] == status
        assert rows[student.student]["01 forward_noising status"] == status
        assert float(rows[student.student]["points"]) == student.points
        page = (out / student.feedback).read_text()
        assert status in page.lower() or status.lower() in page.lower()
        assert status in summary
    (wrong,) = [s for s in book.students if s.student == "named mistake"]
    assert 0 < wrong.points < POINTS
    assert "".join(wrong.lessons[0].exercises[0].mistakes) or wrong.lessons[0].exercises[0].cases


def test_the_output_follows_its_published_schema(tmp_path):
    _grade(tmp_path, {f"jane/{NOTEBOOK}": answer(0.5), "max.ipynb": b"{"})
    out = tmp_path / "results"
    schema = json.loads((out / "grades.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    grades = json.loads((out / "grades.json").read_text())
    jsonschema.validate(grades, schema)
    del grades["students"][0]["statuses"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(grades, schema)
    assert _cli("schema").output == schema_text()


def test_points_are_the_sum_over_the_cases(tmp_path):
    students = _grade(tmp_path, {f"jane/{NOTEBOOK}": answer(0.5), f"max/{NOTEBOOK}": answer(1.0)})
    cases = students["jane"].lessons[0].exercises[0].cases
    earned = sum(case.max_points for case in cases if case.status == "passed")
    assert 0 < students["jane"].points == earned < POINTS
    assert students["max"].points == POINTS


@pytest.mark.parametrize(("policy", "share"), [("latest", 0.3), ("best", 1.0)])
def test_of_several_files_the_policy_decides(tmp_path, policy, share):
    students = _grade(
        tmp_path,
        {
            "doejane_123_1001_01_forward_noising.ipynb": answer(0.1),
            "doejane_123_1002_01_forward_noising-1.ipynb": answer(1.0),
            "doejane_123_1003_01_forward_noising-2.ipynb": answer(0.3),
        },
        Settings(duplicates=policy),
    )
    alone = _grade(tmp_path / "b", {"a.ipynb": answer(share)})["a"]
    assert students["doejane"].points == alone.points
    assert "3 files answer forward_noising" in students["doejane"].notes[0]


def test_an_unreadable_latest_file_does_not_hide_the_one_before(tmp_path):
    student = _grade(
        tmp_path,
        {
            "doejane_123_1001_01_forward_noising.ipynb": answer(1.0),
            "doejane_123_1002_01_forward_noising-1.ipynb": b"{",
        },
    )["doejane"]
    assert student.points == POINTS
    assert "could not be read (damaged)" in student.notes[0]


@pytest.mark.parametrize(
    ("late", "kept"),
    [
        (Late(), 1.0),
        (Late(penalty=0.25), 0.75),
        (Late(penalty=0.25, per="day"), 0.75),
    ],
)
def test_a_late_mark_costs_what_the_policy_says(tmp_path, late, kept):
    files = {
        "doejane_LATE_123_1001_01_forward_noising.ipynb": answer(1.0),
        "roemax_124_1002_01_forward_noising.ipynb": answer(1.0),
    }
    students = _grade(tmp_path, files, Settings(late=late))
    assert students["doejane"].points == pytest.approx(kept * POINTS)
    assert students["doejane"].lessons[0].late
    assert students["roemax"].points == POINTS and not students["roemax"].lessons[0].late
    assert _rows(tmp_path)["doejane"]["late"] == "late"


def test_days_after_the_deadline_are_counted():
    due = datetime(2026, 3, 1, 12, tzinfo=UTC)
    late = Late(penalty=0.2, per="day", due=due)
    for hours, kept in ((-1, 1.0), (0, 1.0), (1, 0.8), (24, 0.8), (25, 0.6), (24 * 9, 0.0)):
        time = datetime.fromtimestamp(due.timestamp() + hours * 3600, tz=UTC)
        assert late.kept(late.days_late("psnr", False, time)) == pytest.approx(kept), hours
    assert late.days_late("psnr", False, None) == 0
    assert late.days_late("psnr", True, None) == 1


def test_weights_scale_points_and_what_can_be_reached(tmp_path):
    toml = tmp_path / "policy.toml"
    toml.write_text("[weights.lessons]\n01 = 2\n[weights.exercises]\nforward = 0.25\n")
    students = _grade(tmp_path, {f"jane/{NOTEBOOK}": answer(1.0)}, load_settings(toml))
    assert students["jane"].points == students["jane"].max_points == pytest.approx(POINTS / 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("duplicates = 'newest'", "duplicates"),
        ("late = 3", "late"),
        ("[late]\npenalty = 2", "late.penalty: input should be less than or equal to 1"),
        ("[late]\ndue = 2026-03-01T00:00:00", "late.due"),
        ("[late]\nper = 'hour'", "late.per"),
        ("colour = 1", "there is no setting 'colour'"),
        ("[weights.lessons]\nforwards = 1", "There is no lesson 'forwards'"),
        ("[weights.exercises]\nforwards = 1", "there is no exercise 'forwards'"),
        ("[weights.exercises]\nforward = -1", "must be 0 or more"),
        ("[weights.exercises]\nforward = nan", "must be 0 or more"),
        ("lessons = ['99']", "There is no lesson '99'"),
        ("= broken", "is not TOML"),
        ("x = '\xff", "is not TOML"),
    ],
)
def test_settings_that_cannot_be_meant_get_one_sentence(tmp_path, text, words):
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_page_for_instructors_shows_the_defaults(tmp_path):
    page = (Path(__file__).resolve().parents[1] / "docs" / "grading.md").read_text()
    shown_files = re.findall(r"```toml\n(# (\w+\.toml).*?)```", page, flags=re.DOTALL)
    files = {name: toml for toml, name in shown_files}
    assert {*files} == {"overrides.toml", "release.toml", "policy.toml"}
    for name, toml in files.items():
        (tmp_path / name).write_text(toml)
    people = [Student(name, name) for name in ("Jane Doe", "10472", "jdoe@example.edu")]
    assert len(load_corrections(tmp_path / "overrides.toml", people)) == 3
    assert load_release(tmp_path / "release.toml", None).solutions_from
    toml, path = files["policy.toml"], tmp_path / "policy.toml"
    path.write_text(toml)
    shown = load_settings(path)
    assert shown.model_copy(update={"weights": Settings().weights}) == Settings()
    path.write_text(re.sub(r"(?m)^# (?=(lessons|due) = )", "", toml))
    switched_on = load_settings(path)
    assert switched_on.lessons and switched_on.late.due


def test_only_the_lessons_asked_for_count(tmp_path):
    files = {
        f"jane/{NOTEBOOK}": answer(1.0),
        f"jane/{OTHER}": answer(1.0).replace("forward", "psnr"),
    }
    both = _grade(tmp_path / "a", files)["jane"]
    assert [lesson.lesson for lesson in both.lessons] == ["forward_noising", "classical_denoising"]
    one = _grade(tmp_path / "b", files, Settings(lessons=["classical_denoising"]))["jane"]
    assert [lesson.lesson for lesson in one.lessons] == ["classical_denoising"]
    none = _grade(tmp_path / "c", files, Settings(lessons=["one_step_denoising"]))["jane"]
    assert none.statuses == {"not submitted": len(find_lesson("03").exercises)}


def test_a_grader_that_fails_is_no_zero_and_is_tried_again(tmp_path):
    def failing(jobs):
        for key, _ in jobs:
            yield key, '{"error": "The reference failed."}'

    files = {f"jane/{NOTEBOOK}": answer(1.0)}
    jane = _grade(tmp_path, files, executor=failing)["jane"]
    assert jane.lessons[0].status == "not graded"
    row = _rows(tmp_path)["jane"]
    assert row["forward points"] == "" and row["forward status"] == "not graded"
    assert _grade(tmp_path, files)["jane"].points == POINTS


def test_a_spreadsheet_finds_no_formula(tmp_path):
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\n=1", ' "=1']
    _grade(tmp_path, {f"{name}/{NOTEBOOK}": answer(1.0) for name in names})
    with (tmp_path / "results" / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if "\n" in cell]


class _Page(html.parser.HTMLParser):
    """Collects what a page consists of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.headings = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))


def test_pages_run_nothing_load_nothing_and_escape_names(tmp_path):
    name = "<script>alert(1)</script>\" onload='x"
    # A real card with pictures, from a right function that is made wrong.
    source = RIGHT.replace("return", "print('<b>')\n    return 0.5 *")
    files = {
        f"{name.replace('/', '')}/{NOTEBOOK}": notebook(source),
        f"jane/<img src=x>{NOTEBOOK}": b"{",
    }
    out = tmp_path / "results"
    _grade(tmp_path, files, executor=executors.run_here)
    pages = [out / "summary.html", *(out / "feedback").iterdir()]
    assert len(pages) == 3
    for path in pages:
        page = _Page(path.read_text(encoding="utf-8"))
        assert not {"script", "iframe", "link", "object", "form"} & set(page.tags)
        for tag, attribute, value in page.attributes:
            assert not attribute.startswith("on")
            if attribute == "src":
                assert tag == "img" and value.startswith("data:image/png;base64,")
        assert page.headings[0] == 1 and page.headings.count(1) == 1
        steps = zip(page.headings, page.headings[1:], strict=False)
        assert all(later <= earlier + 1 for earlier, later in steps)
        images = page.tags.count("img")
        alts = [v for tag, attribute, v in page.attributes if (tag, attribute) == ("img", "alt")]
        assert len(alts) == images and all(alts)
    assert any("target" in p.read_text() and "data:image/png" in p.read_text() for p in pages)


def test_the_summary_counts_the_named_mistakes(tmp_path):
    mistake = find_lesson("01").exercises[0].mistakes[0]
    wrong = RIGHT.replace("(1 - alphas_cumprod[t]).sqrt()", "(1 - alphas_cumprod[t])")
    files = {f"s{number}/{NOTEBOOK}": notebook(wrong) for number in range(2)}
    students = _grade(tmp_path, files, executor=executors.run_here)
    assert students["s0"].lessons[0].exercises[0].mistakes == [mistake.name]
    summary = (tmp_path / "results" / "summary.html").read_text()
    assert re.search(rf"<b>2 students</b>.*?{mistake.sentence.split('.')[0]}", summary)


def test_everybody_gets_the_same_fresh_inputs(tmp_path):
    seeds = []

    def spy(jobs):
        for key, text in jobs:
            seeds.append(json.loads(text)["seed"])
            yield from pretend([(key, text)])

    files = {"a.ipynb": answer(0.1), "b.ipynb": answer(0.2)}
    _grade(tmp_path / "x", files, executor=spy)
    _grade(tmp_path / "y", files, executor=spy)
    _grade(tmp_path / "z", files, executor=spy, seed=7)
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
    assert seeds[4:] == [7, 7]
    assert _rows(tmp_path / "z")["a"]["seed"] == "7"


def test_only_what_changed_is_graded_again(tmp_path):
    asked = []

    def spy(jobs):
        for key, text in jobs:
            asked.append(key)
            yield from pretend([(key, text)])

    files = {"a.ipynb": answer(0.1), "b.ipynb": answer(0.2), "copy-of-a.ipynb": answer(0.1)}
    first = _grade(tmp_path, files, executor=spy)
    assert len(asked) == 2
    assert first["a"].points == first["copy-of-a"].points
    before = (tmp_path / "results" / "grades.json").read_bytes()
    _grade(tmp_path, files, executor=spy)
    assert len(asked) == 2
    assert (tmp_path / "results" / "grades.json").read_bytes() == before
    changed = _grade(tmp_path, {**files, "b.ipynb": answer(1.0)}, executor=spy)
    assert len(asked) == 3 and changed["b"].points == POINTS
    weighed = Settings.model_validate({"weights": {"exercises": {"forward": 2}}})
    assert _grade(tmp_path, files, weighed, executor=spy)["a"].max_points == 2 * POINTS
    _grade(tmp_path, files, executor=spy, seed=5)
    assert len(asked) == 5


def test_a_weakly_isolated_result_does_not_count_where_more_is_required(tmp_path):
    files = {"a.ipynb": answer(0.1)}
    _grade(tmp_path, files)
    asked = []

    def spy(jobs):
        for key, text in jobs:
            asked.append(json.loads(text)["require"])
            yield from pretend([(key, text)])

    _grade(tmp_path, files, executor=spy, require="process")
    assert asked == []
    _grade(tmp_path, files, executor=spy, require="sandbox")
    assert asked == ["sandbox"]
