"""Submissions are found under any export's names, and read within bounds."""

import json
import os
import stat
import zipfile

import pytest
from made_up_class import NOTEBOOK, RIGHT, STUB, notebook, write, zipped
from systems import needs_named_pipes

from checkers.engine import submission as reading_limits
from checkers.engine.gradebook import archives
from checkers.engine.gradebook.archives import read_archive
from checkers.engine.gradebook.names import file_stem, parse_export_name, shown
from checkers.engine.gradebook.reading import read_files
from checkers.engine.gradebook.submissions import Student, SubmissionsError, find_students
from checkers.engine.submission import SubmissionError, lessons_in, read_submission


def _students(folder):
    return {student.name: student for student in find_students(folder)}


def _read(folder):
    """Everything that the only student of `folder` handed in."""
    (student,) = find_students(folder)
    return list(read_files(student))


@pytest.mark.parametrize(
    ("name", "student", "ident", "file", "late", "version"),
    [
        (
            "doejane_LATE_12345_67890_01_forward_noising-1.ipynb",
            "doejane",
            "12345",
            "01_forward_noising.ipynb",
            True,
            1,
        ),
        ("doejane_12345_67890_hw.zip", "doejane", "12345", "hw.zip", False, 0),
        ("doe_jane_12345_67890_a_b.py", "doe_jane", "12345", "a_b.py", False, 0),
        ("jane.ipynb", "jane", "", "jane.ipynb", False, 0),
        ("jane_doe_01.ipynb", "jane_doe_01", "", "jane_doe_01.ipynb", False, 0),
        (
            "Jane Doe_4711_assignsubmission_file_hw.ipynb",
            "Jane Doe",
            "4711",
            "hw.ipynb",
            False,
            0,
        ),
    ],
)
def test_names_of_exported_files(name, student, ident, file, late, version):
    found = parse_export_name(name, folder=False)
    assert (found.student, found.ident, found.file) == (student, ident, file)
    assert (found.late, found.version) == (late, version)


@pytest.mark.parametrize("ending", ["", "_"])
def test_names_of_moodle_folders(ending):
    found = parse_export_name(f"Jane Doe_4711_assignsubmission_file{ending}", folder=True)
    assert (found.student, found.ident, found.file) == ("Jane Doe", "4711", "")


def test_a_canvas_export_brings_a_students_files_together(tmp_path):
    write(
        tmp_path,
        {
            "doejane_12345_67890_01_forward_noising.ipynb": notebook(STUB),
            "doejane_LATE_12345_67999_01_forward_noising-2.ipynb": notebook(RIGHT),
            "roemax_54321_67891_answers.py": RIGHT,
        },
    )
    students = _students(tmp_path)
    assert sorted(students) == ["doejane", "roemax"]
    first, second = read_files(students["doejane"])
    assert (first.late, first.version) == (False, 0)
    assert (second.late, second.version) == (True, 2)
    assert second.order > first.order
    assert second.lessons == ("forward_noising",)


def test_a_gradescope_export_names_its_students_and_times(tmp_path):
    write(
        tmp_path / "assignment_77_export",
        {
            "submission_1/answers.py": RIGHT,
            "submission_2/answers.py": RIGHT,
            "submission_metadata.yml": (
                "submission_1:\n"
                "  :submitters:\n"
                "  - :name: Jane Doe\n    :sid: '0042'\n"
                "  - :name: Max Roe\n    :sid: '0043'\n"
                "  :created_at: 2026-03-01 12:00:00.000000000 Z\n"
                "submission_2:\n  :submitters: []\n"
            ),
        },
    )
    students = _students(tmp_path)
    assert sorted(students) == ["Jane Doe, Max Roe", "submission_2"]
    assert students["Jane Doe, Max Roe"].ident == "0042, 0043"
    (handed_in,) = students["Jane Doe, Max Roe"].files
    assert handed_in.time.isoformat() == "2026-03-01T12:00:00+00:00"


def test_the_class_is_in_the_order_of_the_alphabet_whatever_marks_its_letters_have(tmp_path):
    names = [
        "Adams Jo",
        "Çelik Ece",
        "Doe Jane",
        "Łuczak Ola",
        "Østby Nils",
        "öztürk Can",
        "Zola Mia",
    ]
    write(tmp_path, {f"{name}/01_forward_noising.py": RIGHT for name in reversed(names)})
    assert [student.name for student in find_students(tmp_path)] == names


def test_metadata_that_is_no_yaml_is_told(tmp_path):
    write(tmp_path, {"submission_1/a.py": RIGHT, "submission_metadata.yml": "a: [:"})
    with pytest.raises(SubmissionsError, match="YAML"):
        find_students(tmp_path)


def test_folders_are_searched_and_rubbish_is_passed_over(tmp_path):
    write(
        tmp_path,
        {
            f"jane/deep/er/{NOTEBOOK}": notebook(RIGHT),
            f"jane/.ipynb_checkpoints/{NOTEBOOK}": notebook(STUB),
            f"jane/__MACOSX/{NOTEBOOK}": b"\0\5",
            f"jane/._{NOTEBOOK}": b"\0\5",
            "jane/picture.png": b"x",
            ".DS_Store": b"x",
            "__MACOSX/x.ipynb": b"x",
            "grades.csv": "x",
        },
    )
    (file,) = _read(tmp_path)
    assert file.name == f"deep/er/{NOTEBOOK}"


def test_links_are_never_followed(tmp_path):
    secret = write(tmp_path / "secret", {NOTEBOOK: notebook(RIGHT)})
    class_folder = write(tmp_path / "class", {"jane/readme.txt": "x"})
    (class_folder / "jane" / NOTEBOOK).symlink_to(secret / NOTEBOOK)
    (class_folder / "jane" / "folder").symlink_to(secret)
    (class_folder / "max.ipynb").symlink_to(secret / NOTEBOOK)
    for student in find_students(class_folder):
        assert list(read_files(student)) == []
        assert "passed over" in student.notes[0]


@needs_named_pipes
def test_a_pipe_does_not_block_the_class(tmp_path):
    (tmp_path / "jane").mkdir()
    os.mkfifo(tmp_path / "jane" / NOTEBOOK)
    (file,) = _read(tmp_path)
    assert file.problem == "another kind of file"


@pytest.mark.parametrize(
    ("content", "problem", "lessons"),
    [
        (b"", "empty file", ("forward_noising",)),
        (b" \n", "empty file", ("forward_noising",)),
        (notebook(RIGHT)[:-20].encode(), "damaged", ("forward_noising",)),
        (notebook(RIGHT).encode("utf-16"), "not UTF-8", ("forward_noising",)),
        (b"[" * 100_000, "damaged", ("forward_noising",)),
        (b'{"worksheets": []}', "notebook of version 3", ("forward_noising",)),
        (b'{"a": 1}', "not a notebook", ("forward_noising",)),
        (notebook(RIGHT).encode(), None, ("forward_noising",)),
    ],
)
def test_every_unreadable_file_has_its_own_status(tmp_path, content, problem, lessons):
    write(tmp_path, {f"jane/{NOTEBOOK}": content})
    (file,) = _read(tmp_path)
    assert (file.problem, file.lessons) == (problem, lessons)
    assert bool(file.message) == bool(problem)


@pytest.mark.parametrize("kind", ["plain", "zip"])
def test_a_notebook_beyond_the_limit_is_never_taken_in(tmp_path, monkeypatch, kind):
    for module in (reading_limits, archives):
        monkeypatch.setattr(module, "MAX_BYTES", 1000)
    content = notebook(RIGHT, "#" * 2000)
    files = {NOTEBOOK: content} if kind == "plain" else {"hw.zip": zipped({NOTEBOOK: content})}
    (file,) = _read(write(tmp_path, {f"jane/{name}": data for name, data in files.items()}))
    assert file.problem == "too large"
    assert file.cells == ()


def test_json_that_would_fill_the_memory_is_too_large(tmp_path):
    (file,) = _read(write(tmp_path, {f"jane/{NOTEBOOK}": b"[" + b"[]," * 2_100_000 + b"[]]"}))
    assert file.problem == "too large"


def test_a_megabyte_of_code_is_too_large_and_of_outputs_is_not(tmp_path):
    pasted = "x=1\n" * (reading_limits.MAX_CODE // 8 + 1)  # a little more than half of it
    drawn = json.loads(notebook(RIGHT))
    drawn["cells"][0]["outputs"] = [{"data": {"image/png": "A" * 5 * 2**20}}]
    files = {
        "notebook/01_a.ipynb": notebook(RIGHT, pasted, pasted),
        "python/01_b.py": RIGHT + pasted + pasted,
        "pictures/01_c.ipynb": json.dumps(drawn),
        "half/01_d.ipynb": notebook(RIGHT, pasted),
    }
    students = find_students(write(tmp_path, files))
    problems = {one.name: next(read_files(one)).problem for one in students}
    too_large = reading_limits.Unreadable.TOO_LARGE
    assert problems == {
        "notebook": too_large, "python": too_large, "pictures": None, "half": None
    }  # fmt: skip


@pytest.mark.parametrize(
    "filler",
    [" " * 10**6, "\n" * 10**6, "\t\n" * 5 * 10**5, "a" * 10**6, "a " * 5 * 10**5, "(" * 10**6],
    ids=["spaces", "lines", "tabs", "a word", "words", "brackets"],
)
def test_reading_takes_no_more_than_linear_time(filler, tmp_path):
    """Time that grows with the square of a million would hold this test up for hours."""
    source = f"!ls\n{RIGHT}\nother{filler}\ndef{filler}x\n"[: reading_limits.MAX_CODE]
    path = tmp_path / NOTEBOOK
    path.write_text(notebook(source))
    (lesson,) = lessons_in(read_submission(path))
    assert lesson.name == "forward_noising"


def test_a_zip_is_read_without_unpacking(tmp_path):
    content = zipped(
        {
            f"work/{NOTEBOOK}": notebook(RIGHT),
            "work/02_classical_denoising.ipynb": b"{",
            f"__MACOSX/work/._{NOTEBOOK}": b"\0",
            f".ipynb_checkpoints/{NOTEBOOK}": notebook(STUB),
            "notes.txt": b"x",
        }
    )
    folder = write(tmp_path, {"doejane_123_456_hw.zip": content})
    damaged, right = sorted(_read(folder), key=lambda file: file.problem is None)
    assert right.name == f"hw.zip/work/{NOTEBOOK}"
    assert right.lessons == ("forward_noising",)
    assert (damaged.problem, damaged.lessons) == ("damaged", ("classical_denoising",))
    assert [path.name for path in folder.iterdir()] == ["doejane_123_456_hw.zip"]


@pytest.mark.parametrize(
    "name", ["../../evil.py", "/tmp/evil.py", "a/../../evil.py", "C:\\evil.py"]
)
def test_a_zip_that_points_outside_is_not_opened(tmp_path, name):
    content = zipped({NOTEBOOK: notebook(RIGHT), name: RIGHT})
    (file,) = _read(write(tmp_path, {"jane.zip": content}))
    assert file.problem == "unsafe archive"
    assert "out of its own folder" in file.message


def test_a_zip_bomb_is_not_opened(tmp_path, monkeypatch):
    entries = {f"{n}.py": b"\0" * 30_000_000 for n in range(8)}
    (file,) = _read(write(tmp_path, {"jane.zip": zipped(entries)}))
    assert file.problem == "unsafe archive"
    monkeypatch.setattr(archives, "MAX_ENTRIES", 100)
    many = zipped({f"{n}.py": b"" for n in range(archives.MAX_ENTRIES + 1)})
    (file,) = _read(write(tmp_path, {"jane.zip": many}))
    assert file.problem == "unsafe archive"


def test_a_zip_that_lies_about_its_sizes_is_damaged(tmp_path):
    honest = zipped({NOTEBOOK: notebook(RIGHT, "#" * 5000)})
    with zipfile.ZipFile(write(tmp_path, {"x": honest}) / "x") as archive:
        size = archive.infolist()[0].file_size
    (tmp_path / "x").unlink()
    lying = honest.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != honest
    (file,) = _read(write(tmp_path, {"jane.zip": lying}))
    assert file.problem == "damaged"


def test_a_link_in_a_zip_is_passed_over(tmp_path):
    link = zipfile.ZipInfo(NOTEBOOK)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "jane.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    (file,) = _read(tmp_path)
    assert file.problem == "nothing of the course"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"x" * 1000])
def test_a_damaged_zip_is_told(tmp_path, content):
    (file,) = _read(write(tmp_path, {"jane.zip": content}))
    assert file.problem == "damaged"


def test_a_zip_that_unpacks_to_more_than_it_may_stops(monkeypatch, tmp_path):
    monkeypatch.setattr(archives, "MAX_TOTAL", 1000)
    with pytest.raises(SubmissionError, match="larger"):
        list(read_archive(tmp_path / "a.zip", zipped({"a.py": b"#" * 2000})))


def test_names_are_shown_on_one_line_and_give_safe_distinct_files():
    for name in ["a\nb", "../../etc/passwd", "a\u202eb", "Żółć 🎈", "\udcff", "x" * 500, "", "CON"]:
        stem = file_stem(name, shown(name))
        assert stem.isascii() and stem.replace("-", "").isalnum() and len(stem) < 80
        assert "\n" not in shown(name) and "\u202e" not in shown(name)
        assert 0 < len(shown(name)) <= 120
        shown(name).encode()
    assert file_stem("a", "Jane") != file_stem("b", "Jane")
    assert len({file_stem(name, name) for name in ("Jane", "jane", "JANE")}) == 3


def test_odd_names_on_disk_are_read(tmp_path):
    write(tmp_path, {"we\nird \u202e😀/answers\n.py": RIGHT})
    (tmp_path / os.fsdecode(b"\xff\xfe.ipynb")).write_text(notebook(RIGHT))
    students = find_students(tmp_path)
    assert len(students) == 2
    for student in students:
        (file,) = read_files(student)
        assert file.problem is None
        (student.name + file.name + file.message).encode()
        assert "\n" not in student.name + file.name + file.message


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_no_submissions_get_a_sentence(tmp_path, kind):
    path = tmp_path / "class"
    if kind == "file":
        path.write_text("x")
    elif kind == "empty":
        write(path, {"notes.txt": "x"})
    with pytest.raises(SubmissionsError):
        find_students(path)


def test_the_results_are_no_student(tmp_path):
    write(tmp_path, {"jane/a.py": RIGHT, "results/grades.csv": "x"})
    assert [s.name for s in find_students(tmp_path, tmp_path / "results")] == ["jane"]


def test_too_many_files_of_one_student_are_bounded(tmp_path):
    write(tmp_path, {f"jane/{number:04}.py": "x = 1" for number in range(250)})
    (student,) = find_students(tmp_path)
    assert isinstance(student, Student)
    assert len(student.files) == 200 and "first 200" in student.notes[0]
