"""What a lesson's cells call: `check`, `hint` and `when_ready`."""

import pytest

from checkers import check, hint, when_ready


def forward(im, t, alphas_cumprod, noise=None):
    raise NotImplementedError


def test_an_unwritten_stub_is_named_and_the_cell_ends_quietly(capsys):
    with when_ready(forward):
        forward(None, 0, None)
    assert capsys.readouterr().out == "Write forward first, then run this cell again.\n"


def test_a_name_that_an_earlier_cell_did_not_set_is_no_error_wall(capsys):
    with when_ready(forward):
        print(never_set)  # noqa: F821
    assert "Write forward first" in capsys.readouterr().out


def test_several_stubs_are_listed(capsys):
    def psnr(im, target):
        raise NotImplementedError

    def blur(im):
        raise NotImplementedError

    with when_ready(forward, psnr, blur):
        forward(None, 0, None)
    assert "Write forward, psnr and blur first" in capsys.readouterr().out


def test_a_cell_that_was_skipped_is_asked_for(capsys):
    def written(x):
        return x

    with when_ready(written):
        written([k * places for k in range(3)])  # noqa: F821
    assert "`places` is made by a cell above" in capsys.readouterr().out
    with when_ready(written):
        written(starts)  # noqa: F821
    assert "`starts` is made by a cell above" in capsys.readouterr().out


def test_a_class_may_be_a_stub(capsys):
    class Network:
        def __init__(self):
            raise NotImplementedError

    with when_ready(Network):
        Network()
    assert "Write Network first" in capsys.readouterr().out


def test_errors_of_written_functions_go_through():
    def written(x):
        return undefined + x  # noqa: F821

    with pytest.raises(NameError), when_ready(written):
        written(1)
    with pytest.raises(NotImplementedError), when_ready(written):
        raise NotImplementedError("from elsewhere")
    with pytest.raises(ZeroDivisionError), when_ready(forward):
        1 / 0  # noqa: B018


def test_check_needs_the_function_itself(capsys):
    assert check("forward") is None
    assert check(3) is None
    assert capsys.readouterr().out.count("check(forward)") == 2


def test_check_lists_the_exercises_for_a_wrong_name(capsys):
    def forwrd(im):
        return im

    assert check(forwrd) is None
    assert "forward" in capsys.readouterr().out


def test_hints_come_one_by_one(capsys):
    hint(forward)
    hint(forward)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Hint 1 of 3") and second.startswith("Hint 2 of 3")


def test_an_unwritten_stub_is_not_attempted():
    assert "not attempted" in str(check(forward))


RIGHT = """
import torch
def noised(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise
"""
DECORATED = "def plain(f):\n    def inner(*given):\n        return f(*given)\n    return inner\n"


@pytest.mark.parametrize(
    "answer",
    [
        "forward = noised",
        DECORATED + "forward = plain(noised)",
        "from functools import partial\nforward = partial(noised)",
        "forward = lambda *given: noised(*given)",
        "class Noiser:\n    def __call__(self, *given):\n        return noised(*given)\n"
        "forward = Noiser()",
    ],
    ids=["renamed", "decorated", "partial", "lambda", "object"],
)
def test_what_stands_under_the_exercises_name_is_the_answer(answer):
    kernel = {"__name__": "__main__", "check": check}
    exec(RIGHT + answer, kernel)
    exec("report = check(forward)", kernel)
    assert kernel["report"].passed, str(kernel["report"])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("check(lambda x: x)", "no name of its own"),
        ("from functools import partial\ncheck(partial(max, 1))", "no name of its own"),
        ("def forwrd(im):\n    pass\ncheck(forwrd)", "grading looks for forward"),
        (DECORATED + "f2 = plain(max)\ncheck(f2)", "no exercise called 'f2'"),
        ("check(forward(1))", "without brackets"),
    ],
)
def test_what_is_no_exercise_gets_one_sentence(source, words, capsys):
    exec(source, {"__name__": "__main__", "check": check, "forward": lambda x: x})
    out = capsys.readouterr().out
    assert words in out and len(out.splitlines()) == 1


def test_a_misspelt_answer_beside_an_older_one_is_told(capsys):
    kernel = {"__name__": "__main__", "check": check}
    exec("def forward(*_):\n    raise NotImplementedError\n" + RIGHT, kernel)
    exec("forwrd = noised\ncheck(forward)", kernel)
    assert "There is also a forwrd" in capsys.readouterr().out
    exec("del forwrd\ncheck(forward)", kernel)
    assert capsys.readouterr().out == ""


def test_hint_finds_a_decorated_answer(capsys):
    kernel = {"__name__": "__main__", "hint": hint}
    exec(RIGHT + DECORATED + "forward = plain(noised)\nhint(forward)", kernel)
    assert capsys.readouterr().out.startswith("Hint ")
