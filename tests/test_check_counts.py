"""How often an exercise was checked: noted in the notebook, read with care, worth nothing."""

import json
import linecache
import zlib

import pytest
from made_up_class import NOTEBOOK, STUB, answer, pretend, write

from checkers.engine import check_cells, grading
from checkers.engine.card import text_card
from checkers.engine.check_counts import MOST, CheckCount, CheckCounter, counts_in
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import find_students

WRONG = "def forward(im, t, alphas_cumprod, noise=None):\n    return im\n"


def _output(note):
    return {"output_type": "execute_result", "metadata": {"text/html": {"course": note}}}


def _notebook(*notes, share=0.5):
    """A notebook for `pretend` whose check cells hold these notes."""
    there = json.loads(answer(share))
    cell = {"cell_type": "code", "source": "check(forward)", "metadata": {}}
    there["cells"].append({**cell, "outputs": [_output(note) for note in notes]})
    return json.dumps(there)


def _note(checks, passed=False, exercise="forward"):
    return {"exercise": exercise, "checks": checks, "passed": passed}


@pytest.fixture
def fresh_kernel(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(check_cells, "_counter", CheckCounter())


def _checked(source):
    names, file = {}, f"<cell {zlib.crc32(source.encode())}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), names)
    return check_cells._check(names["forward"], names)


def test_a_card_is_shown_with_its_count(fresh_kernel):
    from IPython.core.formatters import DisplayFormatter

    for count in (1, 2, 3):
        card = _checked(WRONG)
        data, metadata = DisplayFormatter().format(card)
        assert metadata == {"text/html": {"course": _note(count)}}
    assert data["text/html"].startswith("<div") and "course" not in data["text/html"]
    notebook = {"cells": [{"outputs": [{"data": data, "metadata": metadata}]}]}
    assert counts_in(notebook) == {"forward": CheckCount("forward", 3, passed=False)}


def test_an_answer_that_has_not_changed_gets_the_same_card_and_runs_alone(
    fresh_kernel, monkeypatch
):
    """The largest differences that the card names are those of the same inputs."""
    first = _checked(WRONG)
    monkeypatch.setattr(grading.Trial, "_run_known", None)  # neither reference nor mistakes
    assert text_card(_checked(WRONG)) == text_card(first)


def test_a_stub_is_no_answer_and_nothing_counts_after_the_first_that_passed(fresh_kernel):
    assert _checked(STUB).checks is None
    counter = CheckCounter()
    said = [counter.count("forward", passed=passed) for passed in (False, True, False, True)]
    assert [(each.checks, each.passed) for each in said] == [(1, False)] + [(2, True)] * 3
    assert counter.count("psnr", passed=True).checks == 1


@pytest.mark.parametrize(
    ("saved", "then"),
    [
        (_notebook(_note(4)), (5, False)),
        (_notebook(_note(4, passed=True)), (4, True)),
        (_notebook(_note(MOST)), (MOST, False)),
        (_notebook(_note(4, exercise="psnr")), (1, False)),
        ("{", (1, False)),
        (None, (1, False)),
    ],
)
def test_a_fresh_kernel_goes_on_from_the_saved_notebook(tmp_path, monkeypatch, saved, then):
    """Restart and run all, as many are asked to do before they hand in."""
    path = tmp_path / NOTEBOOK
    if saved is not None:
        path.write_text(saved)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    count = CheckCounter().count("forward", passed=False)
    assert (count.checks, count.passed) == then


@pytest.mark.parametrize("note", [
    None, [], "3", 3, {}, {"exercise": "forward"}, _note("3"), _note(True), _note(2.0), _note(0),
    _note(-1), _note(None), _note([3]), _note(3, exercise=["forward"]), _note(3, exercise=None),
])  # fmt: skip
def test_what_is_no_count_is_passed_over(note):
    assert counts_in(json.loads(_notebook(note))) == {}


@pytest.mark.parametrize("notebook", [
    None, [], 3, {"cells": 3}, {"cells": [None, [], {"outputs": {}}, {"outputs": [None, "x", {}]}]},
    {"cells": [{"outputs": [{"metadata": ["text/html"]}, {"metadata": {"text/html": "course"}}]}]},
])  # fmt: skip
def test_any_json_may_stand_where_a_notebook_is_looked_for(notebook):
    assert counts_in(notebook) == {}


def test_of_several_counts_the_highest_is_taken_and_none_is_beyond_measure():
    notes = [_note(2, passed=True), _note(7), _note(10**400), _note(1)]
    assert counts_in(json.loads(_notebook(*notes[:2]))) == {
        "forward": CheckCount("forward", 7, False)
    }
    assert counts_in(json.loads(_notebook(*notes)))["forward"].checks == MOST


def test_the_summary_tells_the_median_and_no_grade_changes(tmp_path):
    """One notebook may say anything: 10,000 times, or a name that is a script."""
    rude = _note(5, exercise="<script>alert(1)</script>")
    files = {
        f"a/{NOTEBOOK}": _notebook(_note(2), rude),
        f"b/{NOTEBOOK}": _notebook(_note(4)),
        f"c/{NOTEBOOK}": _notebook(_note(10_000)),
        f"d/{NOTEBOOK}": answer(0.5),
        f"e/{NOTEBOOK}": _notebook("no count"),
    }
    folder = write(tmp_path / "class", files)
    grade_class(find_students(folder), tmp_path / "results", pretend, Settings())
    book = Gradebook.model_validate_json((tmp_path / "results" / "grades.json").read_text())
    told = {each.student: each.lessons[0].exercises[0].checks for each in book.students}
    assert told == {"a": 2, "b": 4, "c": MOST, "d": None, "e": None}
    assert len({each.points for each in book.students}) == 1
    page = (tmp_path / "results" / "summary.html").read_text()
    assert "<code>forward</code> (4 times, the median of 3 notebooks)." in page
    assert "alert" not in page


def test_nothing_is_said_where_no_notebook_tells(tmp_path):
    folder = write(tmp_path / "class", {f"a/{NOTEBOOK}": answer(0.5)})
    grade_class(find_students(folder), tmp_path / "results", pretend, Settings())
    assert "until it passed" not in (tmp_path / "results" / "summary.html").read_text()
