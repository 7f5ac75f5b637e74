"""An instructor's week on the command line: roster, corrections, one student again, no names."""

import csv
import re

import pytest
from made_up_class import NOTEBOOK, RIGHT, STUB, answer, notebook, pretend, write
from typer.testing import CliRunner

from checkers.__main__ import app
from checkers.engine.authoring.verify import as_submission
from checkers.engine.gradebook import command
from checkers.engine.gradebook.run import grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.similarity import Similarity, hashed_runs
from checkers.engine.gradebook.submissions import find_students
from checkers.engine.registry import find_lesson
from checkers.engine.submission import Cells


def _grade(tmp_path, *arguments):
    result = CliRunner().invoke(
        app, ["grade", f"{tmp_path}/class", "--out", f"{tmp_path}/results", *map(str, arguments)]
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def believed(monkeypatch):
    monkeypatch.setattr(command, "_executor", lambda jobs, scheduler: pretend)


def test_a_week(tmp_path, believed):
    files = {"jane doe.ipynb": answer(0.5), "al.ipynb": answer(1.0), "stranger.ipynb": answer(1.0)}
    write(tmp_path / "class", files)
    roster, overrides = tmp_path / "roster.csv", tmp_path / "overrides.toml"
    roster.write_text("name,id\nJane Doe,1\nAl,2\nAda,3\n")
    overrides.write_text('[[points]]\nstudent = "1"\nexercise = "forward"\npoints = 7\n')
    code, said = _grade(tmp_path, "--roster", roster, "--overrides", overrides)
    assert code == 0 and "4 students" in said and "Not on the roster: stranger." in said
    code, said = _grade(tmp_path, "--roster", roster, "--only", "Ad")
    assert code == 2 and "Nobody in the class is called 'Ad'" in said
    write(tmp_path / "class", {"jane doe.ipynb": answer(1.0)})
    code, said = _grade(tmp_path, "--roster", roster, "--only", "Jane Doe")
    assert code == 0 and "1 student: 0 lessons graded now (1 was known already)" in said
    with (tmp_path / "results" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["Ada", "Al", "Jane Doe", "stranger"]
    assert rows[2]["points"] == rows[1]["points"] and rows[0]["points"] == "0"


@pytest.mark.parametrize(
    ("option", "content", "sentence"),
    [
        ("--roster", "a,b,c\n", "roster.csv has no column of names"),
        ("--overrides", "[[", "is not TOML"),
        ("--anonymous", "my thesis", "is no list of numbers and names"),
    ],
)
def test_a_file_that_cannot_be_used_ends_in_one_sentence(tmp_path, option, content, sentence):
    write(tmp_path / "class", {"al.ipynb": answer(1.0)})
    path = tmp_path / "roster.csv"
    path.write_text(content)
    code, said = _grade(tmp_path, option, path)
    assert code == 2 and sentence in said and path.read_text() == content


def test_graders_see_no_names(tmp_path, believed):
    files = {
        "doejane_1001_77_doejane.ipynb": answer(0.5),
        "zoemueller/zoes answers.ipynb": answer(1.0),
        "zoemueller/zoe.txt.bin": "x",
        "hanna.ipynb": b"\xff",
    }
    write(tmp_path / "class", files)
    names = tmp_path / "names.csv"
    for _ in range(2):
        code, said = _grade(tmp_path, "--anonymous", names)
        assert code == 0, said
        written = "\n".join(
            f"{path.name} {path.read_text(encoding='utf-8')}"
            for path in (tmp_path / "results").rglob("*")
            if path.is_file() and path.suffix in (".csv", ".json", ".html")
        )
        assert not re.search("doejane|zoe|hanna|1001", written, re.IGNORECASE)
        with names.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert sorted(row["student"] for row in rows) == ["doejane", "hanna", "zoemueller"]
        assert all(f"Student {row['number']}" in written for row in rows)


def _class_of(answers):
    collected = Similarity()
    for number, cells in enumerate(answers):
        collected.add(f"s{number}", "iterative_denoising", hashed_runs(cells))
    return {group.students for group in collected.groups()}


def _cells(exercises) -> Cells:
    return tuple(cell for name, answer in exercises for cell in as_submission(answer, name).cells)


def test_a_copied_answer_stands_out_and_equal_right_answers_do_not():
    exercises = find_lesson("04").exercises
    right = _cells((e.name, e.reference) for e in exercises)
    other = _cells((e.name, e.right_answers[0]) for e in exercises)
    odd = """
def iterative_denoise(denoiser, x_t, prompt_embeds, timesteps, i_start, generator=None):
    pairs = dict(enumerate(zip(timesteps.tolist()[:-1], timesteps.tolist()[1:])))
    while pairs and min(pairs) < i_start: pairs.pop(min(pairs))
    for place in sorted(pairs):
        here, there = pairs.pop(place)
        if here == there: raise AssertionError(f"{here} stands twice")
        x_t = [denoiser.step(x_t, here, there, prompt_embeds)][-1].clone().contiguous()
    return x_t if x_t.isfinite().all() else x_t.nan_to_num()
"""
    copied = odd.replace("place", "k").replace("pairs", "steps").replace("here", "a  # my own\n ")
    copied = odd.replace("place", "k").replace("pairs", "steps").replace("there", "b")
    answers = [right, other] * 10 + [(("cell 1", odd),), (("cell 1", copied),)]
    assert _class_of(answers) == {("s20", "s21")}
    many = [right, other] * 25 + [(("cell 1", text),) for text in (odd, copied, copied, odd)]
    assert _class_of(many) == {("s50", "s51", "s52", "s53")}  # one group, not six pairs
    assert _class_of(answers[-4:]) == set()  # in so small a class nothing can stand out


def test_the_summary_tells_who_may_need_help_and_what_stayed_empty(tmp_path):
    files = {
        f"good/{NOTEBOOK}": answer(1.0),
        f"weak/{NOTEBOOK}": answer(0.0),
        f"damaged/{NOTEBOOK}": b"{",
    }
    folder = write(tmp_path / "class", files)
    grade_class(find_students(folder), tmp_path / "results", pretend, Settings())
    page = (tmp_path / "results" / "summary.html").read_text()
    help_ = page.split("Who may need help")[1].split("</table>")[0]
    names = re.findall(r'">(\w+)</a>', help_)
    assert names == ["damaged", "weak"]


def test_an_empty_stub_is_counted(tmp_path):
    from checkers.engine.gradebook.executors import run_here

    folder = write(tmp_path / "class", {f"a/{NOTEBOOK}": notebook(STUB)})
    grade_class(find_students(folder), tmp_path / "results", run_here, Settings())
    page = (tmp_path / "results" / "summary.html").read_text()
    assert "Left empty by those who handed the lesson in: <code>forward</code> (1)." in page
    assert "answered nothing" in page


def test_the_class_is_compared_with_last_week(tmp_path):
    first = write(tmp_path / "a", {"jane.ipynb": answer(1.0), "al.ipynb": answer(0.0)})
    grade_class(find_students(first), tmp_path / "week 1", pretend, Settings())
    second = {f"{name}/02_classical_denoising.py": f"{RIGHT}# share 0.0" for name in ("jane", "al")}
    folder = write(tmp_path / "b", second)
    settings = Settings(lessons=["classical_denoising"])
    grade_class(find_students(folder), tmp_path / "week 2", pretend, settings)
    page = (tmp_path / "week 2" / "summary.html").read_text()
    assert "Since week 1: the 2 students of both had 50 % of the points then" in page
    assert "Fell most: jane (100 to 0 %)." in page


def test_each_student_may_get_other_inputs(tmp_path):
    folder = write(tmp_path / "class", {"a.ipynb": answer(1.0), "b.ipynb": answer(1.0)})
    seen = []

    def note(jobs):
        jobs = list(jobs)
        seen.append({text for _, text in jobs})
        yield from pretend(jobs)

    for inputs, different in (("class", 1), ("student", 2), ("student", 2)):
        out = tmp_path / f"{inputs}{len(seen)}"
        grade_class(find_students(folder), out, note, Settings(inputs=inputs), seed=5)
        assert len(seen[-1]) == different
    assert seen[1] == seen[2]  # the run's seed repeats them
