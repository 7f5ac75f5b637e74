"""What is remembered while a class is graded: asked for once, and bounded in size."""

import numpy as np
import torch

from checkers.engine.grading import grade, grade_here
from checkers.engine.memory import Memory, size_of
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import run_probe
from checkers.forward_noising.exercises import FORWARD


def test_a_value_is_made_once():
    memory, made = Memory(), []
    for _ in range(3):
        assert memory.get("key", lambda: made.append(1) or {"a": 1}) == {"a": 1}
    assert len(made) == 1


def test_what_was_not_used_for_longest_goes_first():
    one = Array(np.zeros(1000, np.uint8), "uint8")
    memory, made = Memory(max_bytes=3 * size_of(one)), []

    def get(key):
        return memory.get(key, lambda: made.append(key) or one)

    for key in "abcadabc":
        get(key)
        assert memory.size <= memory.max_bytes
    assert "".join(made) == "abcdbc"


def test_what_is_larger_than_all_room_is_not_kept():
    memory = Memory(max_bytes=1000)
    big = {"x": [torch.zeros(1000)]}
    assert size_of(big) > 4000
    assert memory.get("key", lambda: big) is big
    assert memory.size == 0


def test_with_a_memory_the_verdict_is_the_same_and_known_versions_run_once(monkeypatch):
    ran = []

    def counting(probe, answer, inputs, seed):
        ran.append(answer.__name__)
        return run_probe(probe, answer, inputs, seed)

    monkeypatch.setattr("checkers.engine.grading.run_probe", counting)
    memory = Memory()
    for mistake in FORWARD.mistakes[:3]:

        def run_case(exercise, case, inputs, seed, mistake=mistake):
            return run_probe(case.probe, mistake.answer, inputs, seed)

        with_memory = grade(FORWARD, run_case, 5, hidden=True, memory=memory)
        once = len(ran)
        again = grade(FORWARD, run_case, 5, hidden=True, memory=memory)
        assert len(ran) == once
        fresh = grade(FORWARD, run_case, 5, hidden=True)
        assert with_memory.model_dump() == again.model_dump() == fresh.model_dump()
        assert mistake.name in [case.mistake for case in fresh.cases]


def test_hidden_cases_run_only_when_asked_for():
    shown = grade_here(FORWARD, FORWARD.reference, 5)
    everything = grade_here(FORWARD, FORWARD.reference, 5, hidden=True)
    titles = [case.title for case in everything.cases if not case.hidden]
    assert titles == [case.title for case in shown.cases]
    assert shown.max_points == FORWARD.points < everything.max_points


def test_where_a_name_is_missing_no_known_mistake_is_run(monkeypatch):
    ran = []

    def counting(probe, answer, inputs, seed):
        ran.append(answer.__name__)
        return run_probe(probe, answer, inputs, seed)

    def forward(im, t, alphas_cumprod, noise=None):
        return im * abar  # noqa: F821

    monkeypatch.setattr("checkers.engine.grading.run_probe", counting)
    report = grade(
        FORWARD, lambda _, case, inputs, seed: run_probe(case.probe, forward, inputs, seed)
    )
    assert not report.points and "NameError" in report.cases[0].message
    assert not any(case.mistake for case in report.cases) and not ran
