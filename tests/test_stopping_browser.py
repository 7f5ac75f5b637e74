"""The stop button, and a page that is reloaded while a network is trained."""

import pytest
from jupyter_lab import cell_with, needs_chromium, open_notebook, run_cell, write_notebook

pytestmark = needs_chromium

CELLS = (
    """import time, torch
from pathlib import Path
from torch import nn
from checkers import check
from lessons.workbench.denoisers.progress import watch_sampling
from lessons.workbench.training import TrainingPlan, continuing, train
continuing.FOLDER = Path("training").resolve()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(4, 4)
    def forward(self, x, t):
        time.sleep(0.1)
        return self.line(x)

def forward(im, t, alphas_cumprod, noise=None):
    while True:
        time.sleep(0.1)""",
    """torch.manual_seed(0)
calls = []
def loss(model, images, labels):
    calls.append(1)
    return (model(images, labels) ** 2).mean()

plan = TrainingPlan(epochs=2, batch_size=1, learning_rate=1e-3, ema=0.9)
history = train(Net(), loss, torch.randn(40, 4), torch.zeros(40), plan, name="net")""",
    """print("after", len(history.losses), "steps, computed now:", len(calls))""",
    """network = watch_sampling(Net().eval())
x = torch.zeros(2, 4)
for t in range(300):
    x = network(x, torch.full((2,), t / 300))""",
    "check(forward)",
)


@pytest.fixture
def page(tmp_path):
    """A notebook that trains for eight seconds and samples for thirty."""
    with open_notebook(tmp_path, write_notebook(tmp_path, "stop.ipynb", *CELLS)) as page:
        run_cell(page, cell_with(page, "import time"))
        yield page


def _begin(page, text):
    """Run a cell without waiting for it."""
    cell = cell_with(page, text)
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    return cell


def _stop(page):
    page.locator('[data-command="notebook:interrupt-kernel"], [title^="Interrupt"]').first.click()
    page.get_by_text("(ipykernel) | Idle").wait_for()


def test_stop_ends_training_sampling_and_a_check_with_one_sentence(page, tmp_path):
    cell = _begin(page, "train(Net()")
    cell.get_by_text("of 80 steps").wait_for()
    page.wait_for_timeout(3000)
    _stop(page)
    cell.get_by_text("Stopped after").wait_for()
    page.screenshot(path=tmp_path / "training.png")
    assert "Traceback" not in cell.inner_text() and "reloaded" not in cell.inner_text()
    assert cell.get_by_role("progressbar").is_visible(), "how far it came stays"
    run_cell(page, cell_with(page, 'print("after"'))
    told = cell_with(page, 'print("after"').locator(".jp-OutputArea-output").inner_text()
    assert 10 < int(told.split()[1]) < 80

    run_cell(page, cell)
    cell.get_by_text("Training goes on after").wait_for()
    cell.get_by_text("80 of 80 steps").wait_for()
    run_cell(page, cell_with(page, 'print("after"'))
    told = cell_with(page, 'print("after"').locator(".jp-OutputArea-output").inner_text()
    assert told.startswith("after 80 steps") and int(told.split()[-1]) < 75

    cell = _begin(page, "watch_sampling(Net()")
    cell.get_by_role("progressbar", name="sampling").wait_for()
    page.screenshot(path=tmp_path / "sampling.png")
    _stop(page)
    cell.get_by_text("Stopped. What the cells made so far").wait_for()
    assert "Traceback" not in cell.inner_text()
    assert not cell.get_by_role("progressbar").count(), "no bar stands still"

    cell = _begin(page, "check(forward)")
    page.wait_for_timeout(2000)
    _stop(page)
    cell.get_by_text("The check of forward was stopped").wait_for()
    assert "Traceback" not in cell.inner_text()


def test_after_a_reload_the_cell_goes_on_where_training_was(page):
    cell = cell_with(page, "train(Net()")
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(CELLS[1].replace("epochs=2", "epochs=20"))
    _begin(page, "train(Net()")
    cell.get_by_text("of 800 steps").wait_for()
    page.wait_for_timeout(3000)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000)
    page.on("dialog", lambda dialog: dialog.accept())  # outputs that are not saved
    page.reload()
    cell = cell_with(page, "train(Net()")
    cell.wait_for()
    page.wait_for_timeout(2000)
    _stop(page)
    _begin(page, "train(Net()")
    goes_on = cell.get_by_text("Training goes on after")
    goes_on.wait_for()
    assert 20 < int(goes_on.inner_text().split()[4]) < 780
    cell.get_by_text("of 800 steps").first.wait_for()
    _stop(page)
    cell.get_by_text("Stopped after").wait_for()


OWN_LOOP = (
    """import time, torch
from pathlib import Path
from torch import nn
from checkers import check
from lessons.workbench.training import continuing, train_epochs
continuing.FOLDER = Path("training").resolve()

def loss(model, images, sigma):
    time.sleep(0.1)
    return ((model(images + sigma * torch.randn_like(images)) - images) ** 2).mean()

def train_epoch(model, loader, optimizer, sigma, loss):
    losses = []
    for images, _ in loader:
        value = loss(model, images, sigma)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses""",
    """torch.manual_seed(0)
model = nn.Linear(4, 4)
optimizer = torch.optim.Adam(model.parameters())
batches = [(torch.full((2, 4), step / 20), torch.zeros(2)) for step in range(20)]
models, losses = train_epochs(
    train_epoch, 3, model, batches, optimizer, 0.5, loss, name="own"
)
print(len(models), "models,", len(losses), "losses")""",
)


def test_stop_and_going_on_in_a_loop_of_one_s_own(tmp_path):
    with open_notebook(tmp_path, write_notebook(tmp_path, "own.ipynb", *OWN_LOOP)) as page:
        run_cell(page, cell_with(page, "import time"))
        cell = _begin(page, "torch.manual_seed")
        cell.get_by_text("of 60 steps").wait_for()
        page.wait_for_function(
            "() => [...document.querySelectorAll('progress')].some(bar => bar.value > 22)"
        )
        _stop(page)
        cell.get_by_text(
            "Stopped in epoch 2 of 3. Run the cell again, and training goes on after epoch 1."
        ).wait_for()
        assert "Traceback" not in cell.inner_text() and "reloaded" not in cell.inner_text()
        run_cell(page, cell)
        cell.get_by_text("Training goes on after 1 of 3 epochs.").wait_for()
        cell.get_by_text("3 models, 60 losses").wait_for()
