"""A submission is read by need: what a function uses is made, nothing else runs or breaks it."""

import sys

import pytest

from checkers.engine.sandbox.inside.definitions import Reader


@pytest.fixture(autouse=True)
def main_module(monkeypatch):
    """The module that is read becomes `__main__`, as in a box; not beyond a test."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def _read(*sources, name="f", seconds=5.0):
    cells = [(f"cell {i}", source) for i, source in enumerate(sources, 1)]
    return Reader(cells).definitions(name, seconds)


def test_what_a_function_uses_is_made_before_it():
    found = _read(
        "import math\nT = 300\nbetas = [1e-4 * i for i in range(3)]",
        "LIMITS = (0, T - 1)\ndef f(x, scale=math.sqrt(T)):\n    return x * scale, LIMITS, Net",
        "class Net:\n    width = T",
    ).module
    assert found.f(1) == (pytest.approx(300**0.5), (0, 299), found.Net)
    assert found.Net.width == 300
    assert not hasattr(found, "betas")


def test_nothing_else_runs(capsys):
    found = _read(
        "print('a plot')\nfor i in range(10**12):\n    pass",
        "model = train(epochs=100)\nx, y = load()\ntotal = open('/etc/passwd').read()",
        "def f():\n    return 1",
    )
    assert capsys.readouterr().out == ""
    assert not {"model", "x", "total", "i"} & set(vars(found.module))
    assert found.problems == found.doubts == []
    assert found.module.f() == 1


def test_what_cannot_be_made_is_told_with_its_place():
    found = _read("model = train(epochs=100)", "def f():\n    return model")
    assert callable(found.module.f)
    assert found.lost["model"].startswith("Cell 1, line 1, raised NameError")


def test_what_hangs_is_stopped_and_what_follows_is_read():
    source = "import time\nwhile True:\n    time.sleep(0.01)\n    N = 1"
    found = _read(source, "M = 2\ndef f():\n    return N, M", seconds=0.3)
    assert "cell 1, line 2, takes too long" in found.lost["N"].lower()
    assert found.module.M == 2 and callable(found.module.f)


def test_a_loop_is_thinned_out_to_what_is_needed(capsys):
    loop = "kept, shown = [], []\nfor i in range(3):\n    kept.append(i)\n    shown.append(plot(i))"
    found = _read(loop, "def f():\n    return kept")
    assert found.module.f() == [0, 1, 2]


def test_a_module_is_not_changed_by_being_used():
    found = _read("import torch", "torch.save(train(), 'x.pt')", "def f():\n    return torch")
    assert not found.problems and callable(found.module.f)


def test_a_later_definition_wins_as_in_a_notebook():
    assert _read("def f(): return 1", "def f(): return 2").module.f() == 2


def test_a_syntax_error_costs_one_cell_and_is_told():
    found = _read("def f(:\n    pass", "def g():\n    return 1", name="g")
    assert found.module.g() == 1
    assert len(found.problems) == 1
    assert found.problems[0].startswith("Cell 1 cannot be read")
    assert "line 1" in found.problems[0]


def test_magics_and_shell_lines_are_skipped():
    found = _read(
        "%matplotlib inline\n!pip install x\nfiles = !ls\nmath?\nimport math",
        "def f():\n    return 7",
        "%%bash\nrm -rf /",
        "%%time\ndef g():\n    return 8",
        "def h():\n    return f() + g(), math.pi",
        name="h",
    )
    assert found.module.h()[0] == 15
    assert not found.problems


def test_a_percent_sign_in_code_is_no_magic():
    assert _read("def f(a, b):\n    return (a\n    % b)").module.f(7, 4) == 3


def test_a_definition_that_raises_is_told_and_the_rest_is_read():
    found = _read("import no_such_module_anywhere as n", "def g(a=1):\n    return a or n", name="g")
    assert "no_such_module_anywhere" in found.problems[0]
    assert found.module.g() == 1


def test_branches_are_followed():
    found = _read(
        "import torch\ndevice = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "if torch.cuda.is_available():\n    width = 64\nelse:\n    width = 16",
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None",
        "def f():\n    return device, width, np",
    ).module
    device, width, np = found.f()
    assert device.type in ("cpu", "cuda") and width in (16, 64) and np is not None


@pytest.mark.parametrize("source", ["(" * 5000, "x = '\0'", "\ud800", "if True:\n"])
def test_strange_text_never_raises(source):
    assert _read(source, "def g():\n    return 1", name="g").module.g() == 1
