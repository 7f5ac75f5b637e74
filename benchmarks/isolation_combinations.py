"""The tests of isolation, in every condition that one machine can be put into.

python benchmarks/isolation_combinations.py [--user NAME] [--python PYTHON]
    [--only "user refused"] [--tests test_sandbox ...] [--matching "home or killing"]

As the superuser and as another user; with bubblewrap and without; with namespaces, with none as a
container's filter of system calls refuses them, and with user namespaces switched off. What needs
Chromium and MNIST is run with them and without. Every row says which level of isolation is reached,
how many tests passed, failed and were skipped, and why. A condition that can't be had here is named
with the reason. The exit code is 1 if a test failed.

Run as the superuser to have them all. `--user` then names the other user, and `--python` an
interpreter which that user can read and which has the course's libraries. The tests run in a copy
of this folder that the user owns. Nothing of the machine is changed: bubblewrap and Chromium are
left out of the PATH, and namespaces are refused to the tests' own processes.
"""

from __future__ import annotations

import argparse
import errno
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from checkers.engine.sandbox.inside import linux, seccomp

ROOT = Path(__file__).resolve().parent.parent
MNIST = "DIFFUSION_MNIST"
SUPERUSER, USER = "superuser", "user"
ALLOWED, REFUSED, SWITCHED_OFF = "allowed", "refused", "switched off"
TESTS = {
    "isolation": ("test_sandbox", "test_isolation_anywhere", "test_grading", "test_hostile"),
    "Chromium": ("test_browser", "test_drawing_browser"),
    "MNIST": ("test_mnist", "test_digit_classifier"),
}
_PROGRAMS = {"isolation": ("bwrap",), "Chromium": ("chromium", "chromium-browser"), "MNIST": ()}
_ASK = """
from checkers.engine.isolation import CourseWorker
from checkers.engine.sandbox.levels import IsolationError
try:
    with CourseWorker() as worker:
        print(worker.level, *worker.shortfalls, sep="\\n")
except IsolationError as error:
    print("none", error, sep="\\n")
"""
_OF_NAMESPACES = ("unshare", "setns", "mount", "umount2", "pivot_root", "fsopen", "open_tree")


@dataclass(frozen=True)
class Condition:
    """What the tests are run in.

    Attributes:
        what: a key of `TESTS`.
        who: runs them.
        there: whether what is asked for (bubblewrap, Chromium, MNIST) is there.
        namespaces: whether new ones can be had.
    """

    what: str
    who: str
    there: bool
    namespaces: str

    def __str__(self) -> str:
        name = "bubblewrap" if self.what == "isolation" else self.what
        has = "with" if self.there else "without"
        return f"{self.who}, {has} {name}, namespaces {self.namespaces}"


@dataclass
class Outcome:
    """What the tests came to.

    Attributes:
        level: of isolation, as reached.
        missed: why not a higher one, a sentence each.
        counts: "passed", "failed", "skipped".
        failures: names of tests.
        skipped: how often for each reason.
        broken: the end of pytest's output, if it gave no result.
    """

    level: str = ""
    missed: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    broken: str = ""


@dataclass(frozen=True)
class Machine:
    """What there is to run tests with.

    Attributes:
        python: an interpreter for each of the two; "" if there is none.
        user: the other user, or whoever runs this without being the superuser.
        folder: for copies of the course and of the PATH.
        tests: names of test files to run; all of a condition's if none.
        matching: an expression for pytest's -k; "" for all tests.
    """

    python: dict[str, str]
    user: pwd.struct_passwd | None
    folder: Path
    tests: Sequence[str] = ()
    matching: str = ""


def conditions() -> Iterator[Condition]:
    """All of them."""
    both = (SUPERUSER, USER)
    for who, there, namespaces in product(both, (True, False), (ALLOWED, REFUSED, SWITCHED_OFF)):
        yield Condition("isolation", who, there, namespaces)
    for who, there, namespaces in product(both, (True, False), (ALLOWED, REFUSED)):
        yield Condition("Chromium", who, there, namespaces)
    for who, there in product(both, (True, False)):
        yield Condition("MNIST", who, there, ALLOWED)


def why_not(condition: Condition, machine: Machine) -> str:
    """Why a condition can't be had here; "" if it can."""
    superuser = os.getuid() == 0
    if condition.who == SUPERUSER and not superuser:
        return "this was not started as the superuser"
    if condition.who == USER and machine.user is None:
        return "no other user: name one with --user"
    if not machine.python[condition.who]:
        return "that user can read no Python with the libraries: name one with --python"
    if condition.namespaces == SWITCHED_OFF and condition.who == SUPERUSER:
        return "bubblewrap asks for no user namespace then, and the setting is the whole machine's"
    if condition.there and condition.what == "MNIST" and not os.environ.get(MNIST):
        return f"{MNIST} names no folder with MNIST"
    programs = _PROGRAMS[condition.what]
    if condition.there and programs and not any(map(shutil.which, programs)):
        return f"{programs[0]} is not installed"
    return ""


def run(condition: Condition, machine: Machine) -> Outcome:
    """Run the tests in one condition."""
    outcome = Outcome()
    asked = _inside(condition, machine, ["-c", _ASK])
    outcome.level, *outcome.missed = (asked.stdout or "not told").strip().splitlines()
    names = [name for name in TESTS[condition.what] if not machine.tests or name in machine.tests]
    files = [f"tests/{name}.py" for name in names]
    place = _home(condition, machine) / "results.xml"
    place.unlink(missing_ok=True)
    options = ["-q", "-p", "no:cacheprovider", f"--junitxml={place}", "-o", "junit_family=xunit2"]
    options += ["-k", machine.matching] if machine.matching else []
    done = _inside(condition, machine, ["-m", "pytest", *options, *files])
    if not place.exists():
        outcome.broken = (done.stdout + done.stderr)[-2000:]
        return outcome
    for case in ElementTree.parse(place).iter("testcase"):
        kinds = {child.tag: child for child in case}
        if "failure" in kinds or "error" in kinds:
            outcome.counts["failed"] += 1
            outcome.failures.append(f"{case.get('classname')}::{case.get('name')}")
        elif "skipped" in kinds:
            outcome.counts["skipped"] += 1
            outcome.skipped[kinds["skipped"].get("message", "")] += 1
        else:
            outcome.counts["passed"] += 1
    return outcome


def _inside(
    condition: Condition, machine: Machine, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Run Python in a copy of the course, in the condition."""
    home = _home(condition, machine)
    left_out = () if condition.there else _PROGRAMS[condition.what]
    environment = {
        "PATH": _path_without(left_out, machine.folder),
        "HOME": str(home),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "PYTHONPATH": str(home / "course"),
        "TMPDIR": str(home / "tmp"),
    }
    if condition.there and condition.what == "MNIST":
        environment[MNIST] = os.environ[MNIST]
    python = machine.python[condition.who]
    command = [python, str(Path(__file__).resolve()), "--inside", condition.namespaces, python]
    command[1] = str(home / "course" / "benchmarks" / Path(__file__).name)
    become = {}
    if condition.who == USER and os.getuid() == 0 and machine.user is not None:
        become = {"user": machine.user.pw_uid, "group": machine.user.pw_gid, "extra_groups": []}
    return subprocess.run(
        [*command, *arguments],
        cwd=home / "course",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **become,
    )


def _home(condition: Condition, machine: Machine) -> Path:
    """A folder with a copy of the course that whoever runs the tests owns."""
    home = machine.folder / condition.who
    if home.exists():
        return home
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (home / "course" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / "course" / name)
    (home / "tmp").mkdir()
    if condition.who == USER and os.getuid() == 0 and machine.user is not None:
        for path in (home, *home.rglob("*")):
            os.chown(path, machine.user.pw_uid, machine.user.pw_gid, follow_symlinks=False)
    return home


def _path_without(programs: Sequence[str], folder: Path) -> str:
    """The PATH, or a folder of links to all that is on it but for some programs."""
    folders = [Path(part) for part in os.environ["PATH"].split(os.pathsep) if part]
    if not programs:
        return os.pathsep.join(map(str, folders))
    links = folder / f"without {programs[0]}"
    if not links.exists():
        links.mkdir()
        for place in filter(Path.is_dir, folders):
            for program in place.iterdir():
                link = links / program.name
                if program.name not in programs and not link.is_symlink():
                    link.symlink_to(program)
    return str(links)


def enter(namespaces: str, command: Sequence[str]) -> None:
    """Become `command`, in a process to which namespaces are what a condition says.

    Raises:
        OSError: if the condition can't be made.
    """
    if namespaces == REFUSED:
        linux.filter_system_calls(_no_namespaces())
    if namespaces == SWITCHED_OFF:
        # The limit of a user namespace holds for those in it: this one's second is its last.
        user, group = os.getuid(), os.getgid()
        last = f"exec unshare --user --map-user={user} --map-group={group} -- " + '"$@"'
        limit = "echo 1 > /proc/sys/user/max_user_namespaces && "
        command = ["unshare", "--user", "--map-root-user", "sh", "-c", limit + last, "sh", *command]
    os.execvp(command[0], command)


def _no_namespaces() -> bytes:
    """A filter like that of container runtimes: no new namespace, and no mount."""
    column, machine = seccomp._MACHINES[os.uname().machine]
    numbers = [seccomp._REFUSED[name][column] for name in _OF_NAMESPACES]
    line, refusal = seccomp._line, seccomp._refusal
    lines = [
        line(seccomp._LOAD, seccomp._MACHINE),
        line(seccomp._IF_EQUAL, machine, 1, 0),
        refusal(errno.EPERM),
        line(seccomp._LOAD, seccomp._NUMBER),
    ]
    for number in numbers:
        lines += [line(seccomp._IF_EQUAL, number, 0, 1), refusal(errno.EPERM)]
    lines += [
        line(seccomp._IF_EQUAL, seccomp._CLONE3[column], 0, 1),
        refusal(errno.ENOSYS),
        line(seccomp._IF_EQUAL, seccomp._CLONE[column], 0, 3),
        line(seccomp._LOAD, seccomp._FIRST_ARGUMENT),
        line(seccomp._IF_ANY_BIT, seccomp._NEW_NAMESPACES, 0, 1),
        refusal(errno.EPERM),
        line(seccomp._RETURN, seccomp._ALLOW),
    ]
    return b"".join(lines)


def _other_user(name: str | None) -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    return pwd.getpwnam(name) if name else None


def _usable(python: str, user: pwd.struct_passwd | None) -> str:
    """`python`, if `user` can run it with the course's libraries; else ""."""
    if user is None:
        return ""
    become = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    command = [python, "-c", "import torch, pytest"]
    try:
        done = subprocess.run(
            command, cwd="/", capture_output=True, check=False, **become if os.getuid() == 0 else {}
        )
    except OSError:
        return ""
    return "" if done.returncode else python


def _print(condition: Condition, outcome: Outcome) -> None:
    counts = outcome.counts
    print(
        f"| {condition.what} | {condition} | {outcome.level} | {counts['passed']} | "
        f"{counts['failed']} | {counts['skipped']} |",
        flush=True,
    )


def _print_reasons(condition: Condition, outcome: Outcome) -> None:
    print(f"\n{condition.what}: {condition}")
    for missed in outcome.missed:
        print(f"    missed: {missed}")
    for failure in outcome.failures:
        print(f"    FAILED {failure}")
    for reason, count in outcome.skipped.most_common():
        print(f"    skipped {count}: {reason}")
    if outcome.broken:
        print(f"    pytest gave no result: {outcome.broken}")


def main() -> int:
    """Run all conditions that can be had; the exit code."""
    if sys.argv[1:2] == ["--inside"]:
        enter(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--user", help="another user, if this one is the superuser")
    parser.add_argument("--python", default=sys.executable, help="which the other user can read")
    parser.add_argument("--only", default="", help="words that must stand in a condition's row")
    parser.add_argument("--tests", nargs="*", default=[], help="test_sandbox, ...; all if none")
    parser.add_argument("--matching", default="", help="only these tests, as for pytest -k")
    options = parser.parse_args()
    user = _other_user(options.user)
    python = {SUPERUSER: sys.executable, USER: _usable(options.python, user)}
    found: list[tuple[Condition, Outcome]] = []
    print("| tests | condition | level | passed | failed | skipped |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="isolation-") as folder:
        Path(folder).chmod(0o755)
        machine = Machine(python, user, Path(folder), options.tests, options.matching)
        for condition in conditions():
            words = f"{condition.what} {condition}".replace(",", "").split()
            if not set(options.only.split()) <= set(words):
                continue
            if reason := why_not(condition, machine):
                print(f"| {condition.what} | {condition} | can't be had: {reason} | | | |")
                continue
            outcome = run(condition, machine)
            found.append((condition, outcome))
            _print(condition, outcome)
    for condition, outcome in found:
        _print_reasons(condition, outcome)
    return any(outcome.failures or outcome.broken for _, outcome in found)


if __name__ == "__main__":
    sys.exit(main())
