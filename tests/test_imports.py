"""What a lesson's first cell and first check don't need is not imported by them."""

import subprocess
import sys

import pytest

from checkers.engine.registry import ROOT


@pytest.mark.parametrize(
    ("code", "left_out"),
    [
        ("from solutions import ClassConditionalUNet, forward", ["torchvision"]),
        ("from lessons.workbench.pictures import line_plot, show", ["matplotlib.pyplot"]),
        (
            "from checkers.engine.registry import find_exercise; find_exercise('class_flow_loss')",
            ["torchvision", "checkers.hybrid_images.exercises"],
        ),
        (
            "from pathlib import Path; from checkers.engine.submission import *; "
            "lessons_in(Submission(Path('a.py'), [('cell 1', 'def forward(): ...')]))",
            ["torchvision", "checkers.sampling.exercises"],
        ),
        ("import checkers.engine.registry as r; r.all_exercise_names()", ["torch"]),
    ],
)
def test_it_waits_until_it_is_needed(code, left_out):
    program = f"import sys\n{code}\nprint(*(m for m in {left_out} if m in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""
