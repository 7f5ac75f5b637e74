"""A wrong answer's verdicts come before its mistake is named, and leave when the card is there."""

import nbformat
from listening import Listening

from checkers.engine.registry import ROOT

ANSWER = """
from checkers import check
from checkers.engine import first_verdicts
first_verdicts.PATIENCE = {patience}

def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return {result}

{check}
"""
SWAPPED = "(1 - alphas_cumprod[t]).sqrt() * im + alphas_cumprod[t].sqrt() * noise"
RIGHT = "alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise"


def _shown(result, check="check(forward)", patience=0):
    """What a kernel sends for a check, and what is left in the cell."""
    source = "import torch\n" + ANSWER.format(result=result, check=check, patience=patience)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    client = Listening(notebook, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    heard = [
        (kind, content.get("data", {}).get("text/plain", ""))
        for kind, content in client.heard
        if kind in ("display_data", "clear_output", "execute_result")
    ]
    return heard, notebook.cells[0].outputs


def test_the_verdicts_come_first_and_the_named_mistake_takes_their_place():
    heard, left = _shown(SWAPPED)
    assert [kind for kind, _ in heard[:2]] == ["display_data", "display_data"]
    assert [kind for kind, _ in heard[2:]] == ["clear_output", "execute_result"]
    first, last = heard[0][1], heard[-1][1]
    assert "of 10 points" in first and first.splitlines()[0] == last.splitlines()[0]
    assert "changed places" in last and "changed places" not in first
    assert [output.output_type for output in left] == ["execute_result"]


def test_nothing_is_left_of_them_where_the_card_is_kept_and_not_shown():
    heard, left = _shown(SWAPPED, check="card = check(forward)")
    assert [kind for kind, _ in heard] == ["display_data", "display_data", "clear_output"]
    assert left == []


def test_a_right_answer_and_a_quick_search_show_one_card():
    for result, patience in ((RIGHT, 0), (SWAPPED, 1000)):
        assert [kind for kind, _ in _shown(result, patience=patience)[0]] == ["execute_result"]
