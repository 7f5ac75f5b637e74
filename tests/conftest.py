"""Fixtures that several test files share."""

import json

import pytest

from checkers.engine.isolation import CourseWorker

# Begun first, so that no process is left with one of them at the end.
LONGEST_FIRST = (
    "test_checkers",
    "test_hostile",
    "test_browser",
    "test_drawing_browser",
    "test_check_browser",
    "test_reopened_browser",
    "test_stopping_browser",
)


def pytest_collection_modifyitems(items):
    """The longest tests first; the others keep their order."""
    names = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: names.get(item.path.stem, len(names)))


@pytest.fixture(scope="session")
def worker():
    """One worker process for all tests that need one."""
    with CourseWorker() as worker:
        yield worker


@pytest.fixture
def write_notebook(tmp_path):
    """Write a notebook from the sources of its code cells; returns its path."""

    def write(*sources, name="01_forward_noising.ipynb"):
        cells = [
            {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
            for source in sources
        ]
        path = tmp_path / name
        path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5}))
        return path

    return write
