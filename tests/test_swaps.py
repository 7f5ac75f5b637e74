"""A mistake is made of the reference's own text, and a table that can't be followed says why."""

import pytest
import torch

from checkers.engine import swaps
from checkers.engine.registry import all_lessons
from checkers.engine.swaps import MistakeError, mistaken_cells, run_cells
from solutions.forward_noising import forward


@pytest.fixture
def write_table(tmp_path, monkeypatch):
    """Put a table of lesson 01 or another in place of the course's own."""
    monkeypatch.setattr(swaps, "_ROOT", tmp_path)
    monkeypatch.setattr(swaps, "_CHECKERS", tmp_path / "checkers")

    def write(text, lesson="forward_noising"):
        file = tmp_path / "checkers" / lesson / "mistakes.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return write


def test_a_swap_changes_every_place_in_the_exercise_and_nothing_else(write_table):
    write_table('[forward.rootless]\nsays = "x"\nswap = [[".sqrt()", ""]]')
    wrong = run_cells(mistaken_cells("forward_noising", "forward", "rootless"), "x", "forward")
    abar = torch.tensor([0.9, 0.25])
    im, noise = torch.ones(1, 3, 2, 2), torch.full((1, 3, 2, 2), 2.0)
    assert torch.allclose(wrong(im, 1, abar, noise), torch.tensor(0.25 + 0.75 * 2))
    assert torch.allclose(forward(im, 1, abar, noise), torch.tensor(0.5 + 0.75**0.5 * 2))


def test_docstrings_and_markers_are_no_place_for_a_swap(write_table):
    write_table('[forward.words]\nsays = "x"\nswap = [["timestep", "step"]]')
    with pytest.raises(MistakeError, match="'timestep' does not stand in the reference"):
        mistaken_cells("forward_noising", "forward", "words")


def test_a_loop_goes_wrong_as_the_function_that_it_calls(write_table):
    write_table(
        '[posterior_mean.no_x_t]\nsays = "x"\nswap = [[" + weight_x_t * x_t", ""]]',
        "iterative_denoising",
    )
    write_table(
        '[iterative_denoise_cfg.as_that]\nsays = "x"\nlike = "posterior_mean.no_x_t"',
        "classifier_free_guidance",
    )
    context, own = mistaken_cells("classifier_free_guidance", "iterative_denoise_cfg", "as_that")
    assert "import posterior_mean" not in context and "weight_x_t * x_t" not in context
    assert "def iterative_denoise_cfg" in own
    assert callable(run_cells((context, own), "x", "iterative_denoise_cfg"))


def test_a_mistake_like_several_makes_all_of_them_and_its_own(write_table):
    """Of two functions in two lessons, and of one function twice."""
    write_table(
        """
        [posterior_mean.no_x_t]
        says = "x"
        swap = [[" + weight_x_t * x_t", ""]]

        [posterior_mean.doubled]
        says = "x"
        swap = [["weight_x_0 * x_0", "2 * weight_x_0 * x_0"]]
        """,
        "iterative_denoising",
    )
    write_table(
        '[predict_original.always_one]\nsays = "x"\nswap = [["return ", "return 1 + 0 * "]]',
        "one_step_denoising",
    )
    write_table(
        """
        [iterative_denoise_cfg.all]
        says = "x"
        like = ["posterior_mean.no_x_t", "predict_original.always_one", "posterior_mean.doubled"]
        swap = [["guide(", "0 * guide("]]
        """,
        "classifier_free_guidance",
    )
    context, own = mistaken_cells("classifier_free_guidance", "iterative_denoise_cfg", "all")
    assert "return 1 + 0 * " in context, "the second of the list"
    assert "weight_x_t * x_t" not in context, "the first of the list"
    assert "2 * weight_x_0 * x_0" in context, "the third, of the same function as the first"
    assert "0 * guide(" in own, "and its own"
    for function in ("posterior_mean", "predict_original"):
        assert context.count(f"def {function}(") == 1
        assert f"import {function}" not in context
    assert callable(run_cells((context, own), "x", "iterative_denoise_cfg"))


@pytest.mark.parametrize("place", [0, 1])
def test_each_of_several_must_be_there(write_table, place):
    names = ["forward.rootless", "forward.rootless"]
    names[place] = "forward.nothing"
    write_table(
        '[forward.rootless]\nsays = "x"\nswap = [[".sqrt()", ""]]\n'
        f'[forward.both]\nsays = "x"\nlike = {names}'
    )
    with pytest.raises(MistakeError, match=r"forward\.nothing: there is no such mistake"):
        mistaken_cells("forward_noising", "forward", "both")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ('says = "x"\nswap = [["no such text", ""]]', "'no such text' does not stand in"),
        ('says = "x"\nswap = [["im", "im"]]', "'im' is swapped for itself"),
        ('says = "x"\nlike = "nobody.nothing"', "does not use nobody"),
        ('says = "x"\nlike = "forward.nothing"', "there is no such mistake"),
        ('swap = [["im", "x"]]', "it needs `says`"),
        ('says = "x"\nswap = [["im", "x"]]\nsay = "y"', "say means nothing here"),
        ("says = ", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_followed_names_file_mistake_and_text(entry, sentence, write_table):
    write_table(f"[forward.odd]\n{entry}\n")
    with pytest.raises(MistakeError) as raised:
        mistaken_cells("forward_noising", "forward", "odd")
    assert sentence in str(raised.value)
    assert "checkers/forward_noising/mistakes.toml" in str(raised.value)


def test_every_table_names_exercises_that_are_there():
    for lesson in all_lessons():
        names = {exercise.name for exercise in lesson.exercises}
        assert set(swaps.table_of(lesson.name)) <= names
