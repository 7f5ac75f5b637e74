"""A bar and a loss curve come while a model is trained in a notebook; the curve goes again."""

import base64
import io
import os
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from listening import Listening
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from lessons.workbench.training import loss_curve
from lessons.workbench.training.loss_curve import LossCurve, TrainingProgress, loss_plot

TRAINING = """
import time, torch
from torch import nn
from lessons.workbench.training import loss_curve
from lessons.workbench.training import TrainingPlan, train

loss_curve.REDRAW_SECONDS = 0.6  # after the bar has come
loss_curve._LARGEST_SHARE = 1.0

def loss(model, images, labels):
    time.sleep(0.01)
    return (model(images) ** 2).mean()

plan = TrainingPlan(epochs=3, batch_size=1, learning_rate=1e-3)
history = train(nn.Linear(4, 4), loss, torch.randn(60, 4), torch.zeros(60), plan,
                after_epoch=lambda epoch, *_: print("epoch", epoch))
"""


def _run(source, folder, **variables):
    """The notebook's outputs, and the pictures and texts shown at any time."""
    notebook = new_notebook(cells=[new_code_cell(source)])
    client = Listening(
        notebook, timeout=150, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    root = str(Path(__file__).parents[1])
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    environment["PYTHONPATH"] = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    client.execute(env={**environment, **variables})
    displays = [(kind, told) for kind, told in client.heard if "display_data" in kind]
    return notebook.cells[0].outputs, displays


def _page(shown):
    """The HTML of something displayed."""
    return shown.get("data", {}).get("text/html", "")


def test_the_curve_is_drawn_and_drawn_again_and_leaves_with_the_training(tmp_path):
    outputs, displays = _run(TRAINING, tmp_path)
    pictures = [(kind, told) for kind, told in displays if "<img" in _page(told)]
    assert [kind for kind, _ in pictures[:2]] == ["display_data", "update_display_data"]
    assert {kind for kind, _ in pictures[1:]} == {"update_display_data"}
    assert len({told["transient"]["display_id"] for _, told in pictures}) == 1
    for _, told in pictures:
        encoded, alt = re.search(
            'src="data:image/png;base64,(.*?)" alt="(.*?)"', _page(told)
        ).groups()
        assert "of 180" in alt
        Image.open(io.BytesIO(base64.b64decode(encoded))).verify()
    assert not any("<img" in _page(output) for output in outputs)
    shown = [output for output in outputs if output.output_type == "display_data"]
    bar, place_of_the_curve = (output.data["text/plain"] for output in shown)
    assert "180 of 180 steps" in bar and "loss " in bar
    assert place_of_the_curve == ""
    assert not any("widget" in kind for _, told in displays for kind in told["data"])


def test_the_bar_comes_with_the_first_step(tmp_path):
    slow = TRAINING.replace("time.sleep(0.01)", "time.sleep(0.4)").replace("epochs=3", "epochs=1")
    slow = slow.replace("torch.randn(60, 4), torch.zeros(60)", "torch.randn(3, 4), torch.zeros(3)")
    _, displays = _run(slow, tmp_path)
    bars = [told["data"]["text/plain"] for _, told in displays if "<progress" in _page(told)]
    assert bars[0].startswith("training: 1 of 3 steps")
    assert not any("reloaded" in _page(told) for _, told in displays), "it would begin anew"
    assert bars[-1].startswith("training: 3 of 3 steps")


def test_a_loop_of_one_s_own_has_bar_and_curve(tmp_path):
    own = """
from pathlib import Path
import torch
from torch import nn
from lessons.workbench.training import continuing, loss_curve, train_epochs
continuing.FOLDER = Path("training")
loss_curve.REDRAW_SECONDS = 0.0
def train_epoch(model, loader, optimizer, sigma, loss):
    return [loss(model, batch, sigma).item() for batch, _ in loader]
def loss(model, images, sigma):
    return (images - sigma).sum() ** 2 + 0 * model.weight.sum()
model = nn.Linear(1, 1)
batches = [(torch.tensor([3.0 - step]), torch.zeros(1)) for step in range(2)]
_, losses = train_epochs(
    train_epoch, 2, model, batches, torch.optim.SGD(model.parameters(), 0.0), 2.0, loss, name="own"
)
print(losses)
"""
    outputs, displays = _run(own, tmp_path)
    assert "[1.0, 0.0, 1.0, 0.0]" in "".join(output.get("text", "") for output in outputs)
    pages = [_page(told) for _, told in displays]
    assert any("<img" in page for page in pages)
    assert any("4 of 4 steps" in page and "loss 0.0000" in page for page in pages)
    assert not any(output.get("name") == "stderr" for output in outputs)


def test_nothing_is_shown_with_tqdm_disable(tmp_path):
    outputs, displays = _run(TRAINING, tmp_path, TQDM_DISABLE="1")
    assert displays == []
    assert "".join(output.text for output in outputs) == "epoch 1\nepoch 2\nepoch 3\n"


def test_the_curve_leaves_if_training_fails(tmp_path):
    failing = TRAINING.replace('print("epoch", epoch)', "1 / (2 - epoch)")
    caught = "try:\n" + "".join(f"    {line}\n" for line in failing.splitlines())
    outputs, displays = _run(caught + "except ZeroDivisionError: pass", tmp_path)
    assert any("<img" in _page(told) for _, told in displays)
    assert not any("<img" in _page(output) for output in outputs)


class Display:
    """Stands in for IPython's: counts pictures."""

    def __init__(self):
        self.pictures = []

    def __call__(self, picture, **_):
        self.pictures.append(picture)
        return self

    update = __call__


@pytest.fixture
def curve(monkeypatch):
    """A curve of 100 steps whose time has come, and where it is shown."""
    display, now = Display(), [0.0]
    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(loss_curve.time, "monotonic", lambda: now[0])
    curve = LossCurve(100)
    return curve, display.pictures, now


def test_it_waits_between_two_pictures(curve):
    curve, pictures, now = curve
    for now[0] in (0.5, 1.9, 2.1, 2.5, 4.0, 4.2):
        curve.update([3.0, 2.0, 1.0])
    assert len(pictures) == 2


def test_settings_that_matplotlib_can_t_draw_with_end_the_curve_only(curve, monkeypatch):
    curve, pictures, now = curve

    def no_latex(*_):
        raise RuntimeError("Failed to process string with tex because latex could not be found")

    monkeypatch.setattr(loss_curve, "_to_png", no_latex)
    now[0] = 3.0
    curve.update([2.0, 1.0])
    monkeypatch.undo()
    now[0] = 300.0
    curve.update([2.0, 1.0])
    curve.close()
    assert pictures == []


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([3.0, 2.0, 1.0], "log"), ([1.0, 0.0], "linear"), ([1.0, -1.0], "linear")],
)
def test_only_positive_losses_are_on_a_logarithmic_scale(losses, scale):
    (axis,) = loss_curve._figure(np.asarray(losses), 2).axes
    assert axis.get_yscale() == scale
    assert ("log scale" in axis.get_ylabel()) == (scale == "log")


def test_the_thick_line_is_the_running_mean():
    (axis,) = loss_curve._figure(np.asarray([4.0, 2.0, 6.0, 1.0]), 2).axes
    np.testing.assert_allclose(axis.lines[1].get_xdata(), [2, 3, 4])
    np.testing.assert_allclose(axis.lines[1].get_ydata(), [3.0, 4.0, 3.5])


def test_at_the_end_there_is_the_same_plot_with_its_mean(monkeypatch):
    shown = []
    monkeypatch.setattr(loss_curve, "show_figure", lambda *given: shown.append(given))
    loss_plot([4.0, 2.0, 6.0, 1.0], alt="four losses")
    ((figure, alt),) = shown
    assert alt == "four losses"
    each, mean = figure.axes[0].lines
    assert list(each.get_ydata()) == [4.0, 2.0, 6.0, 1.0] and list(mean.get_ydata()) == [3.25]


def test_drawing_leaves_random_numbers_and_matplotlib_s_settings_alone(curve):
    curve, pictures, now = curve
    state, settings = torch.get_rng_state(), dict(matplotlib.rcParams)
    numpy_state = np.random.get_state()[1].copy()
    now[0] = 3.0
    curve.update([2.0, 1.0])
    assert len(pictures) == 1
    assert torch.equal(state, torch.get_rng_state())
    assert (numpy_state == np.random.get_state()[1]).all()
    assert settings == dict(matplotlib.rcParams)


def test_outside_a_notebook_there_is_a_bar_alone(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    progress = TrainingProgress(total=10, done=0, shown=True)
    for step in range(1, 11):
        progress.note([1.0] * step, 1)
    progress.close()
    assert progress._curve is None
    assert capsys.readouterr().out == ""
