"""The folder of results: nothing of the user's is lost, and what can't be used is told."""

import pytest
from made_up_class import RIGHT, answer, pretend, write
from typer.testing import CliRunner

from checkers.__main__ import app
from checkers.engine.gradebook.folder import FolderError
from checkers.engine.gradebook.journal import JournalError, open_journal
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import Circumstances, grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import find_students
from checkers.engine.sandbox.levels import Level


def _grade(tmp_path, files, settings=None, executor=pretend, **options):
    """Grade {path: content}; the gradebook by student."""
    folder = write(tmp_path / "class", files)
    out = tmp_path / "results"
    grade_class(find_students(folder), out, executor, settings or Settings(), **options)
    book = Gradebook.model_validate_json((out / "grades.json").read_text())
    return {student.student: student for student in book.students}


def _cli(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_a_folder_with_other_files_is_refused(tmp_path):
    out = tmp_path / "results"
    write(out, {"thesis.tex": "x"})
    with pytest.raises(FolderError, match=r"thesis\.tex"):
        _grade(tmp_path, {"a.ipynb": answer(1.0)})
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["grades.csv", "summary.html", "grades-canvas.csv"])
def test_a_table_edited_by_hand_is_not_overwritten(tmp_path, name):
    files = {"a_1001_5_hw.ipynb": answer(1.0)}
    _grade(tmp_path, files)
    path = tmp_path / "results" / name
    path.write_text("my remarks")
    with pytest.raises(FolderError, match="was changed since"):
        _grade(tmp_path, files)
    assert path.read_text() == "my remarks"


def test_a_feedback_page_edited_by_hand_stays_and_the_others_are_written_anew(tmp_path):
    students = _grade(tmp_path, {"a.ipynb": answer(1.0), "b.ipynb": answer(1.0)})
    out = tmp_path / "results"
    (out / students["a"].feedback).write_text("my remarks")
    after = _grade(tmp_path, {"a.ipynb": answer(0.5), "b.ipynb": answer(0.5)})
    assert (out / students["a"].feedback).read_text() == "my remarks"
    assert after["a"].points < students["a"].points
    assert f"{after['b'].points:g} of" in (out / after["b"].feedback).read_text()
    assert students["a"].feedback in (out / "summary.html").read_text()


def test_nobody_of_an_earlier_run_goes_without_a_word(tmp_path):
    _grade(tmp_path, {"a.ipynb": answer(1.0), "b.ipynb": answer(0.5)})
    before = (tmp_path / "results" / "grades.json").read_text()
    (tmp_path / "class" / "b.ipynb").unlink()
    with pytest.raises(FolderError, match=r"hold b, not among .* --only NAME"):
        _grade(tmp_path, {"a.ipynb": answer(1.0)})
    assert (tmp_path / "results" / "grades.json").read_text() == before
    circumstances = Circumstances(drop_missing=True)
    assert {*_grade(tmp_path, {"a.ipynb": answer(1.0)}, circumstances=circumstances)} == {"a"}


def test_one_student_is_graded_again_and_the_others_keep_what_they_had(tmp_path):
    files = {"a.ipynb": answer(1.0), "b.ipynb": answer(0.5), "c.ipynb": answer(0.0)}
    before = _grade(tmp_path, files)
    pages = {name: (tmp_path / "results" / s.feedback) for name, s in before.items()}
    kept = {name: pages[name].read_bytes() for name in "ac"}
    for name in files:
        (tmp_path / "class" / name).unlink()
    circumstances = Circumstances(only="name:b")
    after = _grade(tmp_path, {"b.ipynb": answer(1.0)}, circumstances=circumstances)
    assert list(after) == ["a", "b", "c"]
    assert (after["a"], after["c"]) == (before["a"], before["c"])
    assert after["b"].points > before["b"].points
    assert {name: pages[name].read_bytes() for name in "ac"} == kept
    assert "3 students" in (tmp_path / "results" / "summary.html").read_text()


def test_own_files_beside_the_results_stay(tmp_path):
    files = {"a.ipynb": answer(1.0), "b.ipynb": answer(0.5)}
    students = _grade(tmp_path, files)
    write(tmp_path / "results", {"notes.txt": "mine"})
    (tmp_path / "class" / "b.ipynb").unlink()
    del files["b.ipynb"]
    _grade(tmp_path, files, circumstances=Circumstances(drop_missing=True))
    out = tmp_path / "results"
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / students["a"].feedback).exists()
    assert not (out / students["b"].feedback).exists()


def test_only_one_run_writes_to_a_folder(tmp_path):
    with (
        open_journal(tmp_path, None) as journal,
        pytest.raises(JournalError, match="Another run"),
        open_journal(tmp_path, None),
    ):
        pass
    with open_journal(tmp_path, None) as again:
        assert again.seed == journal.seed


def test_a_damaged_journal_is_told_and_left(tmp_path):
    write(tmp_path / "results", {"journal.sqlite": b"no database" * 100})
    with pytest.raises(JournalError, match="damaged"):
        _grade(tmp_path, {"a.ipynb": answer(1.0)})
    assert (tmp_path / "results" / "journal.sqlite").read_bytes() == b"no database" * 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"--lessons": "01,99"}, "There is no lesson '99'"),
        ({"--settings": "nowhere.toml"}, "nowhere.toml cannot be read"),
        ({"--require-isolation": "magic"}, "There is no isolation level 'magic'"),
        ({"--out": "{class}/a.py"}, "is a file"),
        ({"--scheduler": "tcp://127.0.0.1:1"}, "There is no scheduler"),
    ],
)
def test_bad_options_get_a_sentence_and_exit_code_2(tmp_path, options, words):
    folder = write(tmp_path / "class", {"a.py": RIGHT})
    arguments = {"--out": str(tmp_path / "results"), **options}
    flat = [part.replace("{class}", str(folder)) for item in arguments.items() for part in item]
    result = _cli("grade", folder, *flat)
    assert result.exit_code == 2, result.output
    assert words in result.output + (result.stderr or "")
    assert "Traceback" not in result.output
    assert _cli("grade", tmp_path / "nowhere", "--out", tmp_path / "r").exit_code == 2


def test_less_isolation_than_required_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "checkers.engine.gradebook.jobs.isolation_level", lambda worker: Level.PROCESS
    )
    folder = write(tmp_path / "class", {"a.py": RIGHT})
    out = tmp_path / "results"
    result = _cli("grade", folder, "--out", out, "--jobs", 1, "--require-isolation", "sandbox")
    assert result.exit_code == 2
    assert "'sandbox' is required" in result.output + (result.stderr or "")
    assert not (out / "grades.csv").exists()
