"""Hand-ins as they really come: every one has a row and a status, and the right file is graded."""

import io
import os
import tarfile
import unicodedata

import pytest
from made_up_class import NOTEBOOK, RIGHT, STUB, answer, notebook, pretend, tarred, write, zipped

from checkers.engine.gradebook import archives
from checkers.engine.gradebook.gradescope_run import grade_submission
from checkers.engine.gradebook.names import parse_export_name
from checkers.engine.gradebook.own_files import DIGESTS, own_digests_text
from checkers.engine.gradebook.plans import make_plan
from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.run import Circumstances, grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import find_students, passed_over
from checkers.engine.registry import ROOT, find_lesson
from checkers.engine.submission import SubmissionError

SOLVED = find_lesson("01").solved_notebook.read_text(encoding="utf-8")
UNTOUCHED = find_lesson("01").notebook.read_text(encoding="utf-8")
SAMPLE = "def sample(denoiser, n, prompt_embeds, timesteps, generator=None):\n    return n\n"
THIRD = (
    "def predict_original(x_t, t, noise_estimate, alphas_cumprod):\n    return x_t\n"
    "def one_step_denoise(denoiser, x_t, t, prompt_embeds):\n    return x_t\n"
)


def _grade(tmp_path, files, **options):
    """Grade {path: content} as a class; the gradebook by student, and the summary."""
    folder = write(tmp_path / "class", files)
    out = tmp_path / "results"
    others = passed_over(folder)
    about = Circumstances(passed_over=others)
    grade_class(
        find_students(folder), out, pretend, Settings(**options), circumstances=about, seed=1
    )
    book = Gradebook.model_validate_json((out / "grades.json").read_text())
    return {student.student: student for student in book.students}, (
        (out / "summary.html").read_text()
    )


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("HW.IPYNB", answer(1.0), "read"),
        ("hw.Ipynb", answer(1.0), "read"),
        ("hw.PY", RIGHT + "# share 1.0 ", "read"),
        ("hw.Zip", zipped({NOTEBOOK: answer(1.0)}), "read"),
        ("hw.ipynb.json", answer(1.0), "read"),
        ("hw.ipynb.txt", answer(1.0), "read"),
        ("hw.pdf", b"%PDF-1.5", "another kind of file"),
        ("hw.rar", b"Rar!", "another kind of file"),
        ("hw.tar.gz", tarred({NOTEBOOK: answer(1.0)}), "read"),
        ("hw.TGZ", tarred({NOTEBOOK: answer(1.0)}), "read"),
        ("hw.tar", tarred({NOTEBOOK: answer(1.0)}, "w"), "read"),
        ("hw.tar.bz2", tarred({NOTEBOOK: answer(1.0)}, "w:bz2"), "read"),
        ("hw.tar.xz", tarred({NOTEBOOK: answer(1.0)}, "w:xz"), "read"),
        ("hw.tar.gz", b"\x1f\x8b", "damaged"),
        ("hw.tar.gz", tarred({NOTEBOOK: answer(1.0)})[:-9], "damaged"),
        ("hw.tar.xz", tarred({NOTEBOOK: answer(1.0)}, "w:xz")[:-30], "damaged"),
        ("hw.tar", b"<html>not found</html>" * 90, "damaged"),
        ("hw.7z", b"7z", "another kind of file"),
        ("hw.ipynb.gz", b"\x1f\x8b", "another kind of file"),
        ("hw.docx", b"PK", "another kind of file"),
        ("text.html", b"<p>Here is my answer", "another kind of file"),
        ("text.txt", b"Here is my answer", "another kind of file"),
    ],
)
def test_every_hand_in_of_a_flat_export_has_a_row_and_a_status(tmp_path, name, content, status):
    files = {f"doejane_LATE_123_456_{name}": content, f"roemax_124_457_{NOTEBOOK}": answer(1.0)}
    students, summary = _grade(tmp_path, files)
    assert sorted(students) == ["doejane", "roemax"]
    (file,) = students["doejane"].files
    assert (file.name.partition("/")[0], file.status, file.late) == (name, status, True)
    (lesson,) = students["doejane"].lessons
    assert lesson.status == ("passed" if status == "read" else status)
    assert bool(file.message) == (name in summary) == (status != "read")


def test_what_is_nobodys_is_listed_in_the_summary(tmp_path):
    students, summary = _grade(
        tmp_path, {f"jane/{NOTEBOOK}": answer(1.0), "grades.csv": "x", "jane/notes.txt": "x"}
    )
    assert list(students) == ["jane"]
    assert "nobody&#39;s: grades.csv" in summary or "nobody's: grades.csv" in summary
    assert "Passed over: notes.txt." in students["jane"].notes
    assert "Passed over: notes.txt." in summary


def test_a_folder_with_nothing_readable_names_what_it_has(tmp_path):
    students, _ = _grade(tmp_path, {"jane/hw.pdf": b"%PDF", f"max/{NOTEBOOK}": answer(1.0)})
    assert students["jane"].lessons[0].status == "another kind of file"
    assert "hw.pdf" in students["jane"].lessons[0].exercises[0].message


def test_zips_within_zips_are_opened_within_bounds(tmp_path, monkeypatch):
    inner = zipped({NOTEBOOK: answer(1.0)})
    for _ in range(archives.MAX_DEPTH - 1):
        inner = zipped({"in.zip": inner})
    students, _ = _grade(
        tmp_path,
        {
            "jane.zip": inner,
            "deep.zip": zipped({"in.zip": inner, "notes.txt": "x"}),
            "bad.zip": zipped({"in.zip": b"PK no zip", NOTEBOOK: answer(1.0)}),
        },
    )
    assert students["jane"].lessons[0].status == "passed"
    assert students["jane"].files[0].name == f"jane.zip/in.zip/in.zip/{NOTEBOOK}"
    assert students["deep"].lessons[0].status == "unsafe archive"
    assert students["bad"].lessons[0].status == "passed"
    assert [file.status for file in students["bad"].files] == ["read", "damaged"]
    monkeypatch.setattr(archives, "MAX_TOTAL", 100_000)
    bomb = zipped({f"{n}.zip": zipped({"a.py": b"#" * 60_000}) for n in range(4)})
    with pytest.raises(SubmissionError, match="larger"):
        list(archives.read_archive(tmp_path / "bomb.zip", bomb))


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["hw.rar", "hw.7z", "hw.pdf", "a/hw.docx", "hw.ipynb.gz"])
def test_what_lies_in_an_archive_and_cannot_be_read_is_named(tmp_path, pack, name):
    ending = ".zip" if pack is zipped else ".tar.gz"
    files = {f"jane{ending}": pack({name: b"x", "notes.txt": b"x"}), "max.ipynb": answer(1.0)}
    students, summary = _grade(tmp_path, files)
    (file,) = students["jane"].files
    assert (file.name, file.status) == (f"jane{ending}/{name}", "another kind of file")
    assert students["jane"].lessons[0].status == "another kind of file"
    assert "a zip of it" in students["jane"].lessons[0].exercises[0].message
    assert name.rpartition("/")[2] in summary


def test_an_archive_that_cannot_be_opened_is_named_beside_an_answer(tmp_path):
    content = zipped({NOTEBOOK: answer(1.0), "newer.rar": b"Rar!", "plot.pdf": b"%PDF"})
    students, _ = _grade(tmp_path, {"jane.zip": content})
    assert students["jane"].lessons[0].status == "passed"
    assert [file.name for file in students["jane"].files if file.status != "read"] == [
        "jane.zip/newer.rar"
    ]


def test_tars_and_zips_within_one_another_are_opened(tmp_path):
    inner = tarred({NOTEBOOK: answer(1.0)}, "w:xz")
    files = {"jane.zip": zipped({"in.tar.xz": inner}), "max.tar": tarred({"in.zip": zipped({
        "01.ipynb": answer(1.0)})}, "w")}  # fmt: skip
    students, _ = _grade(tmp_path, files)
    assert {student.lessons[0].status for student in students.values()} == {"passed"}


@pytest.mark.parametrize("name", ["../evil.py", "/tmp/evil.py", "a/../../evil.py"])
def test_a_tar_that_points_outside_is_not_opened(tmp_path, name):
    bad = tarred({name: RIGHT, NOTEBOOK: answer(1.0)})
    students, _ = _grade(tmp_path, {"jane.tar.gz": bad, "max.ipynb": answer(1.0)})
    assert students["jane"].lessons[0].status == "unsafe archive"


def test_links_and_devices_in_a_tar_are_passed_over(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo(f"a{kind.decode()}.ipynb")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    students, _ = _grade(tmp_path, {"jane.tar": buffer.getvalue(), "max.ipynb": answer(1.0)})
    assert students["jane"].lessons[0].status == "nothing of the course"


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_that_explodes_is_not_opened(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(archives, "MAX_TOTAL", 100_000)
    content = tarred({NOTEBOOK: answer(1.0), "zeros.bin": bytes(150_000)}, mode)
    with pytest.raises(SubmissionError, match="larger"):
        list(archives.read_archive(tmp_path / "bomb.tar", content))
    monkeypatch.setattr(archives, "MAX_ENTRIES", 10)
    content = tarred({f"{n}.py": "" for n in range(11)}, mode)
    with pytest.raises(SubmissionError, match="more than 10 entries"):
        list(archives.read_archive(tmp_path / "many.tar", content))


def _whole_course(*answers, prefix=""):
    """The course's folder as a student hands it in, with these lesson notebooks."""
    lessons = {f"lessons/{NOTEBOOK}": UNTOUCHED, **dict(answers)}
    return {
        f"{prefix}{name}": content
        for name, content in {
            "checkers/engine/grading.py": "x = 1",
            "solutions/forward_noising.py": (ROOT / "solutions/forward_noising.py").read_text(),
            f"solutions/notebooks/{NOTEBOOK}": SOLVED,
            **lessons,
        }.items()
    }


@pytest.mark.parametrize("packed", [False, True])
def test_the_solutions_of_a_whole_folder_never_count(tmp_path, packed):
    wrong = (f"lessons/{NOTEBOOK}", answer(0.0))
    files = _whole_course(wrong, prefix="course/")
    files = {"jane.zip": zipped(files)} if packed else {f"jane/{n}": c for n, c in files.items()}
    students, _ = _grade(tmp_path, files)
    assert students["jane"].points == 0
    assert students["jane"].lessons[0].file.endswith(f"course/lessons/{NOTEBOOK}")


@pytest.mark.parametrize("name", [NOTEBOOK, "my_answer.ipynb", "copy/x.ipynb"])
def test_a_solution_is_told_by_its_content_wherever_it_lies(tmp_path, name):
    files = {f"jane/{name}": SOLVED, "jane/mine/01.ipynb": answer(0.0), "max/01.ipynb": answer(1.0)}
    students, _ = _grade(tmp_path, files)
    assert students["jane"].lessons[0].file == "mine/01.ipynb"
    assert students["jane"].points == 0
    assert "the course's own" in [file.status for file in students["jane"].files]


def test_who_hands_in_only_the_courses_files_is_told(tmp_path):
    students, _ = _grade(tmp_path, {"jane/x.ipynb": SOLVED, f"max/{NOTEBOOK}": answer(1.0)})
    assert students["jane"].lessons[0].status == "the course's own"


def test_an_untouched_notebook_counts_only_if_there_is_no_other(tmp_path):
    files = {
        f"jane/z/{NOTEBOOK}": UNTOUCHED,
        "jane/a/01_forward_noising.ipynb": answer(1.0),
    }
    students, _ = _grade(tmp_path, files)
    assert students["jane"].lessons[0].file == "a/01_forward_noising.ipynb"
    (student,) = find_students(write(tmp_path / "other", {f"max/{NOTEBOOK}": UNTOUCHED}))
    _, wanted = make_plan(student, [find_lesson("01")], Settings(), 1, "")
    assert len(wanted) == 1


def test_gradescope_does_not_grade_the_solutions(tmp_path, monkeypatch):
    files = {"lessons/01_forward_noising.ipynb": notebook(STUB), "x.ipynb": SOLVED}
    write(tmp_path / "submission", files)
    results = grade_submission(tmp_path, Settings(), 1)
    assert sum(test.score for test in results.tests) == 0
    assert "own" in results.output
    assert DIGESTS == "own_files.json" and len(own_digests_text()) > 17 * 64


@pytest.mark.parametrize("folder", ["venv", "env", "lib/python3.11/site-packages", "ENV"])
@pytest.mark.parametrize("packed", [False, True])
def test_an_environment_does_not_hide_the_notebook(tmp_path, folder, packed):
    files = {f"a/{folder}/m{n:03}.py": "x = 1" for n in range(250)}
    files[f"z/{NOTEBOOK}"] = answer(1.0)
    files = {"jane.zip": zipped(files)} if packed else {f"jane/{n}": c for n, c in files.items()}
    students, _ = _grade(tmp_path, files)
    assert students["jane"].lessons[0].status == "passed"
    assert len(students["jane"].files) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_too_many_files_do_not_hide_the_notebook(tmp_path, packed):
    files = {f"a/m{n:03}.py": "x = 1" for n in range(250)} | {f"z/{NOTEBOOK}": answer(1.0)}
    files = {"jane.zip": zipped(files)} if packed else {f"jane/{n}": c for n, c in files.items()}
    students, _ = _grade(tmp_path, files)
    assert students["jane"].lessons[0].status == "passed"


def test_a_helper_of_another_lesson_does_not_beat_its_own_file(tmp_path):
    files = {
        "jane/hw3.ipynb": notebook(THIRD, RIGHT, "# share 0.0 "),
        "jane/hw1.ipynb": answer(1.0),
        "max/hw1.ipynb": answer(1.0),
        "max/hw3.ipynb": notebook(THIRD, "check(one_step_denoise)", RIGHT, "# share 0.0 "),
    }
    students, _ = _grade(tmp_path, files)
    lessons = {lesson.lesson: lesson for lesson in students["max"].lessons}
    assert lessons["forward_noising"].file == "hw1.ipynb"
    assert lessons["one_step_denoising"].file == "hw3.ipynb"
    lessons = {lesson.lesson: lesson for lesson in students["jane"].lessons}
    assert lessons["forward_noising"].file == "hw1.ipynb"


def test_one_students_helpers_add_no_lesson_to_the_class(tmp_path):
    psnr = "def psnr(a, b):\n    return 0\n"
    files = {f"s{n}/answer.ipynb": notebook(RIGHT, "# share 1.0 ") for n in range(3)}
    files["jane/answer.ipynb"] = notebook(RIGHT, SAMPLE, psnr, "# share 1.0 ")
    students, _ = _grade(tmp_path, files)
    assert [lesson.lesson for lesson in students["jane"].lessons] == ["forward_noising"]
    assert len({student.max_points for student in students.values()}) == 1


def test_a_file_with_the_answers_of_several_lessons_answers_them_all(tmp_path):
    students, _ = _grade(tmp_path, {"jane/all.py": RIGHT + THIRD + SAMPLE + "# share 1.0 "})
    assert [lesson.number for lesson in students["jane"].lessons] == ["01", "03", "05"]


def test_a_lessons_own_name_tells_even_where_its_function_is_misspelt(tmp_path):
    files = {
        "jane/05_sampling.ipynb": notebook(SAMPLE.replace("sample", "smple"), RIGHT, "# share 0.0 ")
    }
    students, _ = _grade(tmp_path, files)
    assert [lesson.lesson for lesson in students["jane"].lessons] == ["sampling"]


@pytest.mark.parametrize(
    ("name", "key", "file", "late"),
    [
        ("anon_4711_12345_hw.ipynb", "canvas:anon:4711", "hw.ipynb", False),
        ("LATE_anon_4711_12345_hw.ipynb", "canvas:anon:4711", "hw.ipynb", True),
        ("doejane_5_17_hw-1.ipynb", "canvas:5:doejane", "hw.ipynb", False),
        (
            "doejane_LATE_123_456_Jane Doe_99_assignsubmission_file_hw.ipynb",
            "canvas:123",
            "Jane Doe_99_assignsubmission_file_hw.ipynb",
            True,
        ),
        (
            "Jane Doe_4711_assignsubmission_file_hw_123_456_x.ipynb",
            "moodle:4711",
            "hw_123_456_x.ipynb",
            False,
        ),
    ],
)
def test_names_of_odd_exports(name, key, file, late):
    found = parse_export_name(name, folder=False)
    assert (found.key, found.file, found.late) == (key, file, late)


def test_short_numbers_merge_no_two_students():
    one, other = (parse_export_name(f"{n}_1_2_hw.py", folder=False) for n in ("anna", "bert"))
    assert one.key != other.key


def test_an_umlaut_in_two_forms_is_one_student(tmp_path):
    name = "Jörg Müller"
    files = {
        f"{unicodedata.normalize(form, name)}_{n}_x/{NOTEBOOK}": answer(1.0)
        for n, form in enumerate(("NFC", "NFD"))
    }
    keys = {parse_export_name(unicodedata.normalize(form, name), folder=True).key for form in
            ("NFC", "NFD")}  # fmt: skip
    assert len(keys) == 1
    assert len(find_students(write(tmp_path, files))) == 2


def test_folders_that_are_too_deep_or_locked_are_told(tmp_path, monkeypatch):
    deep = "/".join(f"d{n}" for n in range(12))
    write(tmp_path, {f"jane/{deep}/{NOTEBOOK}": answer(1.0), "max/locked/x.py": ""})
    scandir = os.scandir

    def locked(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    students = {student.name: student for student in find_students(tmp_path)}
    assert "folders deep" in " ".join(students["jane"].notes)
    assert "locked cannot be read: Permission denied" in " ".join(students["max"].notes)


def test_a_report_is_printed_whatever_the_outputs_encoding(tmp_path):
    import checkers.__main__ as command_line

    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    stream.reconfigure(errors="strict")
    before = command_line.sys.stdout
    command_line.sys.stdout = stream
    try:
        command_line.on_any_terminal()
        print("σ = 1 - ᾱ", file=stream, flush=True)
    finally:
        command_line.sys.stdout = before
    assert b"\\u1fb1" in stream.buffer.getvalue()
