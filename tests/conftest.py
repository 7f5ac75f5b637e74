"""Fixtures that several test files share."""

import json

import pytest

from checkers.engine.isolation import CourseWorker


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
