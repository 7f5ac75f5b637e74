"""The card begins with where to start, and repeats nothing that stands elsewhere."""

import re

import pytest

from checkers.engine.card import Card, html_card
from checkers.engine.report import CaseResult, Report, Status


def _case(title, status=Status.WRONG, message="", **more):
    points = int(status is Status.PASSED)
    return CaseResult(
        title=title, status=status, points=points, max_points=1, message=message, **more
    )


def _card(*cases):
    hints = ["Think of the first thing."]
    return Card.of(Report(exercise="forward", lesson="any", cases=list(cases), hints=hints))


KNOWN = _case("third", message="It is off.", diagnosis="It looks as if `x` was forgotten.")


@pytest.mark.parametrize(
    ("cases", "order"),
    [
        ((_case("first"), _case("second", Status.PASSED), KNOWN), ["third", "first", "second"]),
        ((_case("first", Status.PASSED), _case("second"), _case("third")), "second first third"),
    ],
)
def test_where_to_start_comes_first_and_is_marked(cases, order):
    order = order.split() if isinstance(order, str) else order
    for text in (html_card(_card(*cases)), str(_card(*cases))):
        assert re.findall("first|second|third", text) == order
        assert text.count("Start here") == 1
    assert f"Start here</span> {order[0]}" in html_card(_card(*cases))


def test_what_others_say_is_folded_and_one_alone_is_not_marked():
    html = html_card(_card(KNOWN, _case("other", message="It is off, too.")))
    assert "<details><summary>other</summary><div" in html
    assert html.index("It is off.") < html.index("<details>") < html.index("It is off, too.")
    alone = html_card(_card(KNOWN, _case("right", Status.PASSED)))
    assert "Start here" not in alone and "<details>" not in alone


def test_hints_are_on_a_page_of_its_own_and_not_where_the_lesson_has_them():
    assert "Think of the first thing." in html_card(_card(KNOWN), heading=3)
    assert "Think of the first thing." not in _card(KNOWN)._repr_html_()
