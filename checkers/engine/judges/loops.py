"""Sampling loops: their cases, and judges of the pictures they end with and the noise they add.

The judges read what `worlds.loops` observes of runs in a world that adds no noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from checkers.engine.exercise import Case, Judge, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs, form_case
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import draw_schedule, draw_seed
from checkers.engine.judges.sentences import CONTINUED, OTHER_SEED
from checkers.engine.judges.values import (
    all_of,
    form_problem,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs, Probe

MakeRun = Callable[..., Inputs]
"""`make_run(generator, i_start, timesteps, ...)` gives a run in a quiet world; with `far=True`, one
in which estimates of x_0 lie far from [-1, 1]."""
RunArguments = tuple | dict[str, Any]
"""What `make_run` gets after the generator, by position or by name."""
_ADDED_TITLE = "add_variance gets t, t_prev and the estimate's variance, once in every step"
ENDS_EARLY = [900, 640, 333, 77, 12]

CLAMPED = (
    "Right. It looks as if you clamp x_0 to [-1, 1], in every step or at the end. That is common, "
    "and harmless here, but it is not in the equation."
)
LAST_STEP_WITHOUT = (
    "Right. You add no noise in the last step; the original algorithm ends so, too. Adding it "
    "hardly shows, as there it is tiny."
)

same_last_picture = same_values(what="the last picture", atol=0.06, show=True)


def same_brightness(**moments: Any) -> Judge:
    """`same_moments` of the pictures that come out without a generator, and with one."""
    without, with_one = "the brightness of your samples", "with a generator, "
    return all_of(
        same_moments(what=without, **moments),
        same_moments("seeded", what=with_one + without, **moments),
    )


same_spread = same_brightness(
    slack=4e-3, around=lambda inputs: next(iter(inputs["means"].values()))
)


def loop_cases(
    make_run: MakeRun,
    std: float,
    quietly: Probe,
    repeatedly: Probe,
    *,
    loop: Sequence[RunArguments],
    far: RunArguments,
    prompts: Sequence[tuple],
    added: Sequence[RunArguments],
    known: Sequence[Case],
    repeated: RunArguments,
    form: Sequence[RunArguments],
    first: Case | None = None,
    added_title: str = _ADDED_TITLE,
    shows_im_noisy: bool = True,
) -> list[Case]:
    """The cases of a loop from timesteps[i_start] to the end of the list.

    A run is written as what `make_run` gets after the generator: (i_start, timesteps, ...), or
    by name.

    Args:
        make_run: makes the inputs of one run.
        std: of the data.
        quietly: runs the loop in a world without noise; as `worlds.loops.run_quietly`.
        repeatedly: runs it with and without generators; as `worlds.loops.run_repeatedly`.
        loop: runs that begin anywhere and end anywhere; the last on a schedule of its own.
        far: a run that `make_run` makes with `far=True`.
        prompts: (title, points, run, ...) of each case on prompts and what belongs to them.
        added: runs whose calls of `add_variance` are looked at; none where a loop calls it not.
        known: cases in worlds where the result is known.
        repeated: a run that will be repeated.
        form: runs, of which the last will be in double precision.
        first: the first case, if it isn't that of one step.
        added_title: of the case on `add_variance`.
        shows_im_noisy: whether the denoiser is first shown im_noisy itself.
    """
    made = partial(runs, make_run, std)
    ends_like = same_path(what="the last picture")
    return [
        first or _one_step_case(made, quietly),
        Case(
            "the loop goes from timesteps[i_start] to the end of the list",
            2,
            _on_its_own_schedule(made(*loop, far=far)),
            ends_like,
            quietly,
        ),
        *(
            Case(title, points, made(*given), ends_like, quietly)
            for title, points, *given in prompts
        ),
        *([Case(added_title, 2, made(*added), same_noise_added, quietly)] if added else []),
        *known,
        _repeat_case(made(repeated), repeatedly, shows_im_noisy),
        _loop_form_case(made(*form), quietly, shows_im_noisy),
    ]


def runs(
    make_run: MakeRun, std: float, *calls: RunArguments, far: RunArguments | None = None
) -> MakeInputs:
    """Inputs of `worlds.loops.run_quietly`; runs are written as for `loop_cases`."""

    def make(generator: torch.Generator, run: RunArguments, **more: Any) -> Inputs:
        given, named = ((), run) if isinstance(run, dict) else (run, {})
        return make_run(generator, *given, **named, **more)

    def inputs(generator: torch.Generator) -> Inputs:
        made = {"std": std, "calls": [make(generator, call) for call in calls]}
        return made if far is None else {**made, "far": make(generator, far, far=True)}

    return inputs


def _on_its_own_schedule(several: MakeInputs) -> MakeInputs:
    """The last of the runs on a schedule nobody has seen, unless it has one."""

    def inputs(generator: torch.Generator) -> Inputs:
        made = several(generator)
        made["calls"][-1].setdefault("schedule", draw_schedule(generator))
        return made

    return inputs


def _one_step_case(made: Callable[..., MakeInputs], quietly: Probe) -> Case:
    steps = made(*((0, step) for step in ([690, 660], [400, 250], [60, 30])))
    title = "one step lands on the posterior mean, if no noise is added"
    return Case(title, 2, steps, same_path(what="x_t_prev"), quietly)


def _repeat_case(single: MakeInputs, repeatedly: Probe, shows_im_noisy: bool) -> Case:
    def inputs(generator: torch.Generator) -> Inputs:
        made = single(generator)
        one, seed = made["calls"][0], draw_seed(generator)
        return {**one, **hide_in(one["means"], generator), "std": made["std"], "seed": seed}

    title = "the generator draws the noise"
    if shows_im_noisy:
        return Case(title, 1, inputs, with_evidence(_generator_draws, "result"), repeatedly)
    judge = with_evidence(all_of(_generator_draws, _start_matters), "result")
    return Case(f"the loop starts from im_noisy, and {title}", 1, inputs, judge, repeatedly)


def _loop_form_case(single: MakeInputs, quietly: Probe, shows_im_noisy: bool) -> Case:
    def inputs(generator: torch.Generator) -> Inputs:
        made = single(generator)
        made["calls"][-1]["im_noisy"] = made["calls"][-1]["im_noisy"].double()
        return made

    if not shows_im_noisy:
        return form_case(inputs, quietly)
    title = "it starts from im_noisy, leaves it as it is, and keeps shape, dtype and device"
    return Case(title, 1, inputs, all_of(_begins_with_im_noisy, same_form()), quietly)


_generator_draws = all_of(
    same_answer(
        "same_seed",
        says="Two runs with generators of the same seed give different pictures: pass `generator` "
        "on to what draws the noise.",
    ),
    same_answer(
        "unseeded",
        says="Two runs without a generator give the same picture: new noise should be drawn in "
        "every run.",
    ),
    same_answer("other_seed", says=OTHER_SEED),
    same_answer("continued", says=CONTINUED),
)
_start_matters = same_answer(
    "any_start",
    says="Another im_noisy gives the very same picture: the loop has to start from im_noisy.",
)


def _begins_with_im_noisy(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Whether the first call of each run was shown pictures of `im_noisy`, in any order."""
    mine, right = (
        [
            _holds(first, call["im_noisy"].numpy())
            for first, call in zip(seen["begun"], inputs["calls"], strict=True)
        ]
        for seen in (observed, expected)
    )
    if mine == right:
        return Verdict(True)
    return Verdict(False, "The first picture that your loop shows the denoiser is not im_noisy.")


def _holds(first: Any, im_noisy: np.ndarray) -> bool:
    """Whether there are no other pictures: one may come alone, or several times, or interleaved."""
    if not isinstance(first, Array) or first.shape[1:] != im_noisy.shape[1:]:
        return False
    return len(first.values) > 0 and all(
        any(np.allclose(picture, own, atol=1e-6) for own in im_noisy) for picture in first.values
    )


def same_path(*, what: str = "the picture", atol: float = 5e-4) -> Judge:
    """A judge that compares where noiseless runs end: "result", and "far" if it was observed.

    If they end elsewhere because the denoiser was asked at other timesteps, it says at which. What
    differs only in "far", where estimates of x_0 lie beyond [-1, 1], was clamped: a remark.

    Args:
        what: what messages call a result.
        atol: absolute tolerance.
    """

    def judge(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        verdict = same_values(what=what, labels=_labels, atol=atol, rtol=1e-3, show=True)(
            observed, expected, inputs
        )
        if not verdict.passed:
            problem = _path_problem(observed, expected, inputs)
            return verdict._replace(message=problem or verdict.message)
        if "far" in expected and not _far_agrees(observed, expected, inputs):
            return Verdict(True, CLAMPED)
        return verdict

    return judge


def same_noise_added(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Compare the calls of `add_variance`: how many, with which t, t_prev, variance.

    A last step to t = 0 without noise is right, with a remark.
    """
    remark = ""
    added, variance = _as_list(observed.get("added")), _as_list(observed.get("variance"))
    if len(added) != len(expected["added"]) or len(variance) != len(added):
        return Verdict(False, "The result cannot be read.")
    on_its_way = same_path()(observed, expected, inputs).passed
    runs = zip(added, variance, expected["added"], expected["variance"], strict=True)
    for number, (steps, tensors, right_steps, right_tensors) in enumerate(runs):
        if right_steps and right_steps[-1][1] == 0 and steps == right_steps[:-1]:
            remark, right_steps = LAST_STEP_WITHOUT, right_steps[:-1]
        where = _labels(inputs)[number]
        steps, tensors = _of_all_pictures(steps, tensors, right_steps, right_tensors)
        if problem := _steps_problem(steps, right_steps, where):
            return Verdict(False, problem)
        for step, mine, target in zip(right_steps, tensors, right_tensors, strict=False):
            if problem := _variance_problem(mine, target, step, on_its_way):
                return Verdict(False, problem)
    return Verdict(True, remark)


def _of_all_pictures(
    steps: Any, tensors: Any, right_steps: list, right_tensors: list[Array]
) -> tuple[Any, Any]:
    """Calls for one picture after the other, in each step or in loops of their own, as one."""
    count = len(right_steps)
    pieces = len(steps) // count if count and isinstance(steps, list) else 0
    in_loops, in_steps = right_steps * pieces, [s for s in right_steps for _ in range(pieces)]
    if pieces < 2 or steps not in (in_loops, in_steps):
        return steps, tensors
    joined = []
    for number, target in enumerate(right_tensors):
        parts = tensors[number::count] if steps == in_loops else tensors[number * pieces :][:pieces]
        if any(not isinstance(p, Array) or p.shape[1:] != target.shape[1:] for p in parts):
            return steps, tensors
        values = np.concatenate([part.values for part in parts])
        if len(values) != len(target.values):
            return steps, tensors
        joined.append(replace(target, values=values))
    return right_steps, joined


def _labels(inputs: Inputs) -> list[str]:
    return [
        ("i_start = {i_start}, " if "i_start" in call else "").format(**call)
        + f"timesteps = {short(list(call['timesteps']))}"
        for call in inputs["calls"]
    ]


def _path_problem(observed: Observation, expected: Observation, inputs: Inputs) -> str:
    asked = _as_list(observed.get("asked"))
    for where, mine, right in zip(_labels(inputs), asked, expected["asked"], strict=False):
        if isinstance(mine, list) and mine != right:
            return (
                f"With {where}, your function asks the denoiser at t = {short(mine)}; "
                f"it should ask at t = {short(right)}."
                if mine
                else f"With {where}, your function never asks the denoiser."
            )
    return ""


def _far_agrees(observed: Observation, expected: Observation, inputs: Inputs) -> bool:
    return same_values("far", atol=1e-2)(observed, expected, inputs).passed


def _steps_problem(steps: Any, right: list, where: str) -> str:
    steps = _as_list(steps)
    if steps == right:
        return ""
    if not steps:
        return f"With {where}, your loop never calls denoiser.add_variance."
    if len(steps) != len(right):
        times = "once" if len(steps) == 1 else f"{len(steps)} times"
        return (
            f"With {where}, your loop calls denoiser.add_variance {times}; there are {len(right)} "
            f"steps, and each needs it once."
        )
    mine, target = next((m, r) for m, r in zip(steps, right, strict=True) if m != r)
    return (
        f"In the step from {target[0]} to {target[1]}, add_variance was called with "
        f"t, t_prev = {', '.join(map(str, _as_list(mine)))}; it should be "
        f"{target[0]}, {target[1]}."
    )


def _variance_problem(mine: Any, target: Array, step: list, on_its_way: bool) -> str:
    where = f"In the step from {step[0]} to {step[1]}, the variance"
    if form_problem(mine, target, "", dtype_matters=False) or not isinstance(mine, Array):
        return f"{where} passed to add_variance should have the shape {target.shape} of x_t."
    if np.allclose(mine.values, target.values, atol=5e-4, rtol=1e-3):
        return ""
    if not on_its_way:
        return f"{where} passed to add_variance is another than it should be, as the pictures are."
    return (
        f"{where} passed to add_variance is not the one that belongs there: pass the `variance` "
        f"of that step's own estimate."
    )


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else []


def short(steps: list) -> str:
    """A list of timesteps, its middle left out if it is long."""
    shown = steps if len(steps) <= 5 else [*steps[:2], "...", steps[-1]]
    return f"[{', '.join(map(str, shown))}]" if steps else "[]"
