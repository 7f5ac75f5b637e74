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
