"""A submission is read by its definitions: nothing else in it runs, and nothing breaks the rest."""

import pytest

from checkers.engine.sandbox.inside.definitions import read_definitions


def _read(*sources):
    return read_definitions([(f"cell {i}", source) for i, source in enumerate(sources, 1)])


def test_functions_classes_imports_and_constants_are_read():
    found = _read(
        "import math\nT = 300\nbetas = [1e-4 * i for i in range(3)]",
        "LIMITS = (0, T - 1)\ndef f(x, scale=math.sqrt(T)):\n    return x * scale",
        "class Net:\n    width = T",
    ).module
    assert found.f(1) == pytest.approx(300**0.5)
    assert found.LIMITS == (0, 299) and found.Net.width == 300


def test_nothing_else_runs(capsys):
    found = _read(
        "print('a plot')\nfor i in range(10**12):\n    pass",
        "model = train(epochs=100)\nx, y = load()\ntotal = open('/etc/passwd').read()",
        "def f():\n    return model",
    )
    assert capsys.readouterr().out == ""
    assert {"model", "x", "y", "total"} <= set(found.left_out)
    assert found.left_out["model"] == "cell 2"
    assert callable(found.module.f)


def test_a_later_definition_wins_as_in_a_notebook():
    assert _read("def f(): return 1", "def f(): return 2").module.f() == 2


def test_a_syntax_error_costs_one_cell_and_is_told():
    found = _read("def f(:\n    pass", "def g():\n    return 1")
    assert found.module.g() == 1
    assert len(found.problems) == 1
    assert found.problems[0].startswith("Cell 1 cannot be read")
    assert "line 1" in found.problems[0]


def test_magics_and_shell_lines_are_skipped():
    found = _read(
        "%matplotlib inline\n!pip install x\nfiles = !ls\nimport math?\ndef f():\n    return 7",
        "%%bash\nrm -rf /",
        "%%time\ndef g():\n    return 8",
    )
    assert found.module.f() == 7
    assert found.module.g() == 8
    assert not found.problems


def test_a_percent_sign_in_code_is_no_magic():
    assert _read("def f(a, b):\n    return (a\n    % b)").module.f(7, 4) == 3


def test_a_definition_that_raises_is_told_and_the_rest_is_read():
    found = _read("import no_such_module_anywhere", "def g():\n    return 1")
    assert "no_such_module_anywhere" in found.problems[0]
    assert found.module.g() == 1


def test_a_choice_of_device_is_a_constant():
    found = _read(
        "import torch\ndevice = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "if torch.cuda.is_available():\n    width = 64\nelse:\n    width = 16",
        "try:\n    import numpy as np\nexcept ImportError:\n    np = None",
    )
    assert found.module.device.type in ("cpu", "cuda")
    assert found.module.width in (16, 64)


@pytest.mark.parametrize("source", ["(" * 5000, "x = '\0'", "\ud800", "if True:\n"])
def test_strange_text_never_raises(source):
    assert _read(source, "def g():\n    return 1").module.g() == 1
