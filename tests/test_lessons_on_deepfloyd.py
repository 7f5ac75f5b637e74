"""Every solved lesson of part A runs on DeepFloyd IF as it stands: here, on its miniature."""

import warnings

import nbformat
import pytest
import torch
from tiny_deepfloyd import save_stage_1

import checkers
from checkers.engine.registry import all_lessons
from lessons.workbench.denoisers import embeddings, loading

PART_A = [lesson for lesson in all_lessons() if int(lesson.number) <= 10]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_stage_1(tmp_path_factory.mktemp("tiny") / "IF-I")


@pytest.fixture
def deepfloyd(folder, tmp_path, monkeypatch):
    """The environment of a student who chose DeepFloyd for all lessons."""
    monkeypatch.setenv(loading.CHOICE, "deepfloyd")
    monkeypatch.setenv(loading.MODEL, str(folder))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(embeddings, "CACHE", tmp_path)
    monkeypatch.setattr(checkers, "check", lambda answer: None)  # tested elsewhere
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # convolutions of 4 channels are slower on more
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("lesson", PART_A, ids=lambda lesson: lesson.name)
def test_the_solved_lesson_runs(lesson, deepfloyd):
    cells = nbformat.read(lesson.solved_notebook, as_version=4).cells
    namespace = {"__name__": "lesson"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, cell in enumerate(cells):
            if cell.cell_type == "code":
                exec(compile(cell.source, f"{lesson.number}, cell {number}", "exec"), namespace)
    if "denoiser" in namespace:  # lesson 02 does without
        assert namespace["denoiser"].name == "deepfloyd"
