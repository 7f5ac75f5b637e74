"""The pictures of a card: what differs is to be seen, however it differs."""

import base64
import io
import re

import pytest
import torch
from PIL import Image

from checkers.engine.card import html_card
from checkers.engine.exercise import Pictures
from checkers.engine.report import CaseResult, Report, Status


def _difference(yours):
    """The brightness, 0 to 255, of the difference that a card shows between 0 and `yours`."""
    pictures = Pictures(torch.zeros(3, 40, 40), yours, "")
    case = CaseResult(title="", status=Status.WRONG, points=0, max_points=1, pictures=pictures)
    page = html_card(Report(exercise="forward", lesson="01", cases=[case]))
    data = re.findall(r'src="data:image/png;base64,([^"]*)" [^>]*alt="difference', page)[0]
    shown = Image.open(io.BytesIO(base64.b64decode(data))).convert("L")
    return torch.tensor(list(shown.tobytes())).reshape(40, 40)


def test_one_pixel_far_off_hides_no_other_difference():
    yours = torch.zeros(3, 40, 40)
    yours[:, :20] = 0.1
    yours[:, 30, 30] = 1000.0
    shown = _difference(yours)
    assert shown[:20].min() == 255 and shown[30, 30] == 255
    assert shown[21:29].max() == 0


def test_a_single_different_pixel_is_seen():
    yours = torch.zeros(3, 40, 40)
    yours[:, 7, 7] = 0.01
    shown = _difference(yours)
    assert shown[7, 7] == 255 and shown.sum() == 255


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_no_number_is_as_different_as_can_be(value):
    yours = torch.zeros(3, 40, 40)
    yours[:, 7, 7] = value
    assert _difference(yours)[7, 7] == 255
    assert _difference(torch.full((3, 40, 40), value)).min() == 255
