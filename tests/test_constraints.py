"""`constraints.txt` names one version for every package of the course, on every system."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = [Requirement(line) for line in LINES]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSIONS = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if line[-4:-2] == "3."]
MACHINES = {"linux": "x86_64", "darwin": "arm64", "win32": "AMD64"}
NAMES = {"linux": "posix", "darwin": "posix", "win32": "nt"}


def pins_of(version, system):
    """What is pinned on a system: {name: pin}."""
    there = {
        "python_version": version,
        "python_full_version": f"{version}.9",
        "sys_platform": system,
        "platform_machine": MACHINES[system],
        "os_name": NAMES[system],
        "implementation_name": "cpython",
    }
    found = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(there):
            assert canonicalize_name(pin.name) not in found, f"{pin.name} is pinned twice"
            found[canonicalize_name(pin.name)] = pin
    return found


def test_it_holds_names_and_versions_alone():
    for line in LINES:
        assert re.fullmatch(r"[\w.-]+==[\w.!+]+( ; .+)?", line), line
        assert "://" not in line and " @ " not in line


@pytest.mark.parametrize("system", MACHINES)
@pytest.mark.parametrize("version", VERSIONS)
def test_each_package_of_the_course_has_its_version(version, system):
    pins = pins_of(version, system)
    extras = PROJECT["optional-dependencies"].values()
    for text in (*PROJECT["dependencies"], *(line for extra in extras for line in extra)):
        wanted = Requirement(text)
        if wanted.name == PROJECT["name"] or (wanted.marker and system != "linux"):
            continue
        (pin,) = pins[canonicalize_name(wanted.name)].specifier
        assert wanted.specifier.contains(pin.version), text


def test_make_installs_by_it_unless_told_otherwise():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\nCONSTRAINTS ?= constraints.txt\n" in makefile
    assert len(re.findall(r"pip install|\$\(INSTALL\) ", makefile)) == 5
    for words, there in (([], True), (["CONSTRAINTS="], False)):
        done = subprocess.run(
            ["make", "--dry-run", "VENV=/nowhere", f"PYTHON={sys.executable}", *words, "lessons"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ("--constraint constraints.txt" in done.stdout) is there
