"""`pytest --pyargs checkers --submission PATH`: a submission's cases as tests."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --submission and --seed."""
    group = parser.getgroup("checkers", "checking a submission")
    group.addoption("--submission", type=Path, help="A notebook or Python file to check.")
    group.addoption("--seed", type=int, help="Repeat a check with the same inputs.")
