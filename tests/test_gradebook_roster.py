"""The roster: everybody enrolled has a row, and is found under any of their names and numbers."""

import csv

import pytest
from made_up_class import answer, pretend, write

from checkers.engine.gradebook.results import Gradebook
from checkers.engine.gradebook.roster import RosterError, enrol, find_student, load_roster
from checkers.engine.gradebook.run import Circumstances, grade_class
from checkers.engine.gradebook.settings import Settings
from checkers.engine.gradebook.submissions import Student, find_students
from checkers.engine.registry import find_lesson

# As Canvas's gradebook exports it, with its row of posting policies and its test student.
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,01 Forward noising (4711),Quiz (4712),Current Score
,,,,,Manual Posting,,
    Points Possible,,,,,7.00,10.00,(read only)
"Doe, Jane",1001,s001,jdoe@example.edu,Section 1,,8.00,80
"Müller, Zoë",1002,s002,zoe,Section 1,,,
"Smith, Al",1003,s003,al,Section 2,,,
"Student, Test",9999,,a1b2c3,Section 1,,,
"""
# As Moodle's grading worksheet.
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,\
Last modified (submission),Last modified (grade),Feedback comments
Participant 501,Jane Doe,jdoe@example.edu,Submitted for grading,,7.00,Yes,"Monday, 2 March 2026",-,
Participant 502,Zoë Müller,zoe@example.edu,No submission,,7.00,Yes,-,"Tuesday, 3 March 2026, 09:00",
"""


def _roster(tmp_path, text, name="roster.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_roster(path)


def _graded(tmp_path, files, roster):
    folder = write(tmp_path / "class", files)
    out = tmp_path / "results"
    enrolment = enrol(find_students(folder), roster)
    about = Circumstances(headings=roster.headings, unknown=enrolment.unknown)
    grade_class(enrolment.students, out, pretend, Settings(), circumstances=about)
    book = Gradebook.model_validate_json((out / "grades.json").read_text())
    return {student.student: student for student in book.students}, out


def _table(path):
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # for Excel
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def test_everyone_enrolled_has_a_row_and_a_stranger_is_listed(tmp_path):
    files = {
        "doejane_1001_77_01.ipynb": answer(1.0),
        "someone_4444_78_01.ipynb": answer(0.5),
    }
    students, out = _graded(tmp_path, files, _roster(tmp_path, CANVAS))
    assert list(students) == ["Doe, Jane", "Müller, Zoë", "Smith, Al", "someone"]
    assert students["Doe, Jane"].id == "s001"
    assert {e.status for lesson in students["Smith, Al"].lessons for e in lesson.exercises} == {
        "not submitted"
    }
    assert "Not on the roster: someone." in (out / "summary.html").read_text()
    assert "s001" in (out / students["Doe, Jane"].feedback).read_text()


@pytest.mark.parametrize(
    "name",
    [
        "doejane_1001_77_01.ipynb",
        "doejane_LATE_1001_77_01.ipynb",
        "Jane Doe.ipynb",
        "jane_doe/01.ipynb",
        "Doe, Jane/01.ipynb",
        "s001.ipynb",
        "jdoe@example.edu.ipynb",
        "JANE DOE/01.ipynb",
    ],
)
def test_a_student_is_found_however_the_file_is_called(tmp_path, name):
    students, _ = _graded(tmp_path, {name: answer(1.0)}, _roster(tmp_path, CANVAS))
    assert len(students) == 3 and students["Doe, Jane"].points > 0


def test_an_accent_written_otherwise_is_the_same_name(tmp_path):
    files = {"Zoe Mu\u0308ller.ipynb": answer(1.0)}
    students, _ = _graded(tmp_path, files, _roster(tmp_path, CANVAS))
    assert students["Müller, Zoë"].points > 0


def test_a_number_of_canvas_is_not_taken_for_one_of_the_university(tmp_path):
    roster = CANVAS.replace("s003", "1001")
    students, _ = _graded(tmp_path, {"x_1001_7_01.ipynb": answer(1.0)}, _roster(tmp_path, roster))
    assert students["Doe, Jane"].points > 0 and students["Smith, Al"].points == 0


def test_two_of_one_name_are_not_mixed_up(tmp_path):
    roster = _roster(tmp_path, "Jane Doe,1\nJane Doe,2\nAl Smith,3\n")
    folder = write(tmp_path / "class", {"Jane Doe.ipynb": answer(1.0)})
    enrolment = enrol(find_students(folder), roster)
    assert enrolment.unknown == ["Jane Doe"] and len(enrolment.students) == 4
    assert [s.ident for s in enrolment.students if s.files] == [""]


def test_a_group_shares_what_it_handed_in(tmp_path):
    metadata = """
submission_1:
  :submitters:
  - :name: Jane Doe
    :sid: s001
  - :name: Al Smith
    :sid: s003
"""
    files = {
        "export/submission_metadata.yml": metadata,
        "export/submission_1/01.ipynb": answer(1.0),
    }
    students, _ = _graded(tmp_path, files, _roster(tmp_path, CANVAS))
    assert students["Doe, Jane"].points == students["Smith, Al"].points > 0
    assert any("together with Smith, Al" in note for note in students["Doe, Jane"].notes)
    assert students["Doe, Jane"].feedback != students["Smith, Al"].feedback


def test_canvas_gets_its_own_columns_back(tmp_path):
    files = {"doejane_1001_77_01.ipynb": answer(1.0)}
    students, out = _graded(tmp_path, files, _roster(tmp_path, CANVAS))
    most = sum(case.points for e in find_lesson("01").exercises for case in e.cases)
    heading, possible, *rows = _table(out / "grades-canvas.csv")
    # What canvas-lms' importer asks of the first row: these words, and Section the last of them.
    assert "Student" in heading[0] and "ID" in heading[1] and heading[4] == "Section"
    assert heading[2:4] == ["SIS User ID", "SIS Login ID"]
    assert heading[5:] == ["01 Forward noising (4711)"]
    assert "Points Possible" in possible[0] and possible[5:] == [f"{most}"]
    assert rows[0] == ["Doe, Jane", "1001", "s001", "jdoe@example.edu", "Section 1", f"{most}"]
    assert [row[:2] for row in rows] == [
        ["Doe, Jane", "1001"],
        ["Müller, Zoë", "1002"],
        ["Smith, Al", "1003"],
    ]
    assert students["Smith, Al"].points == 0 and rows[2][5] == "0"


def test_moodle_gets_its_worksheet_back(tmp_path):
    files = {"Jane Doe_501_assignsubmission_file_/01.ipynb": answer(0.5)}
    students, out = _graded(tmp_path, files, _roster(tmp_path, MOODLE))
    heading, *rows = _table(out / "grades-moodle-01.csv")
    # What Moodle's importer can't do without.
    assert {"Identifier", "Grade", "Last modified (grade)"} <= {*heading}
    jane, zoe = (dict(zip(heading, row, strict=True)) for row in rows)
    assert jane["Identifier"] == "Participant 501" and jane["Email address"] == "jdoe@example.edu"
    assert float(jane["Grade"]) == students["Jane Doe"].points > 0
    assert jane["Feedback comments"].startswith("<p>forward: wrong, ")
    assert "&lt;wrong&gt;" in jane["Feedback comments"]
    assert zoe["Grade"] == "0" and zoe["Last modified (grade)"] == "Tuesday, 3 March 2026, 09:00"


def test_an_export_alone_gives_the_tables_of_its_own_platform(tmp_path):
    folder = write(tmp_path / "class", {"doejane_1001_77_01.ipynb": answer(1.0)})
    grade_class(find_students(folder), tmp_path / "results", pretend, Settings())
    assert _table(tmp_path / "results" / "grades-canvas.csv")[2][:2] == ["doejane", "1001"]
    assert not list((tmp_path / "results").glob("grades-moodle*"))


def test_a_name_that_is_a_formula_stays_text(tmp_path):
    roster = CANVAS.replace('"Doe, Jane"', '"=HYPERLINK(1), Jane"')
    _, out = _graded(tmp_path, {"x_1001_7_01.ipynb": answer(1.0)}, _roster(tmp_path, roster))
    for name in ("grades.csv", "grades-canvas.csv"):
        cells = [cell for row in _table(out / name) for cell in row]
        assert not any(cell.startswith("=") for cell in cells)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name,id\nJane Doe,7\n", ["Jane Doe"]),
        ("Jane Doe,7\nAl Smith,8\n", ["Jane Doe", "Al Smith"]),
        ("id;name\n7;Jane Doe\n", ["Jane Doe"]),
        ("First name\tLast name\tEmail address\nJane\tDoe\tj@x\n", ["Jane Doe"]),
        ('\ufeffStudent,ID,SIS Login ID,Section\n"Doe, Jane",7,j,S\n', ["Doe, Jane"]),
        ("LastName,FirstName,ID,SIS Login ID,Section\nDoe,Jane,7,j,S\n", ["Jane Doe"]),
    ],
)
def test_a_roster_is_read_as_it_comes(tmp_path, text, names):
    assert [one.name for one in _roster(tmp_path, text).everyone] == names


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"\xff\xfe\x00", "no CSV file in UTF-8"),
        ("", "is empty"),
        ("a,b,c\n1,2,3\n", "no column of names"),
        ("name,id\n", "names nobody"),
        ("name,id\nJane,7\nAl,7\n", "gives 7 to Jane and Al"),
    ],
)
def test_a_roster_that_cannot_be_used_says_so(tmp_path, text, sentence):
    with pytest.raises(RosterError, match=sentence):
        _roster(tmp_path, text)
    with pytest.raises(RosterError, match="cannot be read"):
        load_roster(tmp_path / "none.csv")


def test_a_student_is_named_by_name_or_number(tmp_path):
    roster = _roster(tmp_path, CANVAS)
    students = enrol(find_students(write(tmp_path / "c", {"x.py": ""})), roster).students
    for text in ("Jane Doe", "doe, jane", "s001", "1001", "JDOE@example.edu"):
        assert find_student(text, students).name == "Doe, Jane"
    with pytest.raises(RosterError, match="Nobody in the class is called 'Ada'"):
        find_student("Ada", students)


def test_moodles_number_on_a_folder_names_the_student():
    columns = {"Identifier": "Participant 501", "Full name": "Jane Doe"}
    jane = Student("moodle:501", "Jane Doe", "jdoe@example.edu", columns=columns)
    other = Student("moodle:502", "Zoë", "zoe@example.edu", columns={"Identifier": ""})
    for said in ("501", "Participant 501", "jdoe@example.edu", "doe jane"):
        assert find_student(said, [other, jane]) is jane
