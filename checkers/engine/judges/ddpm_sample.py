"""Judges for the samplers of DDPM, with and without classes; `worlds.ddpm_sample` observes."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from checkers.engine.exercise import Judge, Observation, Verdict
from checkers.engine.judges.ddpm_loss import same_times, time_told
from checkers.engine.judges.evidence import shows
from checkers.engine.judges.repetition import REPEATED, repeats, repetition_problem
from checkers.engine.judges.sentences import CONTINUED, IN_TRAINING_MODE, NOT_NORMAL
from checkers.engine.judges.values import all_of, one_is_cut_off, same_answer
from checkers.engine.sandbox.inside.plain import Array
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.ddpm_sample import signs_of_step

_Z = 6.5
"""Standard errors that a measured number may be off: two hundred numbers, and no false alarm in ten
million checks."""

_NEW = 0.9
"""Of new noise, earlier pictures explain less than one hundredth."""

_NO_NOISE = 1e-2
"""What is left in a step that adds no noise stays below this strength."""

OLD_NOISE = (
    "What the steps add to the pictures is not all new noise: it hangs on pictures of earlier "
    "steps. Draw the noise anew in every step."
)
CLAMPED = (
    "Right. It looks as if you clamp the estimate of x_0 in every step. That often helps, but it "
    "is not in the algorithm."
)
POSTERIOR = (
    "Right. You take the posterior variance for the noise. Ho et al. find it as good as beta_t, "
    "which the text uses."
)


def short_schedule(count: int) -> dict[str, Tensor]:
    """A schedule of few steps, each of which does a lot; its entries have shape (count,)."""
    betas = torch.linspace(0.1, 0.45, count)
    alphas = 1 - betas
    return {"betas": betas, "alphas": alphas, "alphas_cumprod": alphas.cumprod(dim=0)}


def led_by_the_model(judge: Judge) -> Judge:
    """`judge`, and what the steps lead to follows from what the model answers in this run."""

    def judge_both(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
        verdict = judge(observed, expected, inputs)
        if not verdict.passed or _is_led(observed, inputs) or not _is_led(expected, inputs):
            return verdict
        says = "What the model answers does not show in what comes out, as it should."
        return Verdict(False, says)

    return judge_both


def _is_led(seen: Observation, inputs: Inputs) -> bool:
    """Whether in any step the x_0 that the model predicted shows in where it ended."""
    ends = seen["ends"].values
    return any(
        shows(Array(end, "float32"), signs_of_step(inputs["seed"], step)[0])
        for step, end in enumerate(ends)
    )


def normal_start(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """The first picture is normal noise, another one for each."""
    mine, target = observed["start"], expected["start"]
    if not mine or not target:
        return Verdict(mine == target, "Your sampler never asks the model.")
    if observed["alike"] != expected["alike"]:
        return Verdict(False, "All pictures start from the same noise; draw it for each.")
    if problem := repetition_problem(observed["start_neighbours"], expected["start_neighbours"]):
        return Verdict(False, f"The first picture that the model is shown {problem}")
    if repeats(expected["start_neighbours"]):
        return Verdict(True)
    pixels = _pixels(inputs)
    tolerances = np.array([math.sqrt(2) * target[1], target[1], math.sqrt(48)]) / math.sqrt(pixels)
    near = np.abs(np.subtract(mine, target)[:3]) <= _Z * tolerances + 1e-3
    if near.all() and not one_is_cut_off(mine[3], target[3]):
        return Verdict(True)
    if near[:2].all():
        return Verdict(False, f"The first picture that the model is shown {NOT_NORMAL}")
    return Verdict(
        False,
        f"The first picture that the model is shown has mean {mine[0]:.2f} and standard deviation "
        f"{mine[1]:.2f}; it should be normal noise, with mean 0 and standard deviation 1.",
    )


def every_timestep(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """The model is asked once for every timestep, from the last to the first."""
    if observed["training"] != expected["training"]:
        return Verdict(False, IN_TRAINING_MODE)
    mine, target = observed["times"].values, expected["times"].values
    count = len(inputs["schedule"]["betas"])
    if len(mine) != len(target):
        return Verdict(
            False,
            f"Your sampler shows the model {len(mine)} different batches, one after another; with "
            f"T = {count} there should be {count}, one for each t from {count - 1} down to 0.",
        )
    for number, (row, right) in enumerate(zip(mine, target, strict=True)):
        t = count - 1 - number
        if not same_times(row, right, t, count):
            return Verdict(
                False,
                f"With T = {count}, step {number + 1} tells the model the time {time_told(row)}; "
                f"it is the step at t = {t}, so it should be t / T = {t / count:.3g}.",
            )
    return Verdict(True)


def steps_to_the_mean(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Each step multiplies x_t and the predicted noise by what the algorithm says."""
    mine, target = observed["shares"].values, expected["shares"].values
    if _steps_seen(observed) != _steps_seen(expected):
        return Verdict(False, _steps_missing(observed, inputs))
    if _adds_old_noise(observed) != _adds_old_noise(expected):
        return Verdict(False, OLD_NOISE)
    errors = np.hypot(_standard_errors(observed, inputs), _standard_errors(expected, inputs))
    wrong = np.abs(mine - target) > _Z * errors + 1e-3
    if not wrong.any():
        if observed.get("clamped") and not expected.get("clamped"):
            return Verdict(False, "The pictures are clamped in the steps. Leave them as they are.")
        far = _other_steps_far_out(observed, expected)
        if len(far) > 1 and far[-1] and not far[:-1].any():
            return Verdict(False, "The result is clamped. Return it as it is.")
        return Verdict(True, CLAMPED if far.any() else "")
    number = int(np.flatnonzero(wrong.any(axis=1))[-1])  # the later, the less noise blurs it
    return Verdict(False, _step_problem(number, wrong[number], mine, target, inputs))


def noise_added(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """New noise of strength sqrt(beta_t) in every step but the last."""
    mine, target = observed["noise"].values, expected["noise"].values
    if _steps_seen(observed) != _steps_seen(expected):
        return Verdict(False, _steps_missing(observed, inputs))
    if _adds_old_noise(observed) != _adds_old_noise(expected):
        return Verdict(False, OLD_NOISE)
    noisy = (target[:, 0] > _NO_NOISE) & (mine[:, 0] > _NO_NOISE)
    pairs = [observed["neighbours"].values[noisy], expected["neighbours"].values[noisy]]
    for one, right in zip(*pairs, strict=True):
        if problem := repetition_problem(one, right):
            return Verdict(False, f"The noise added in the steps {problem}")
    if repeats(pairs[1]):
        return Verdict(True)
    betas, posterior = _noise_strengths(inputs)
    if not _same_strengths(mine[:, 0], target[:, 0], inputs):
        by_beta = _same_strengths(betas, target[:, 0], inputs)
        if by_beta and _same_strengths(mine[:, 0], posterior, inputs):
            return Verdict(True, POSTERIOR)
        return Verdict(False, _noise_problem(mine[:, 0], target[:, 0], inputs))
    same_kurtosis = np.abs(mine - target)[noisy, 1] <= _Z * math.sqrt(48 / _pixels(inputs))
    if same_kurtosis.all() and not one_is_cut_off(mine[noisy, 2].sum(), target[noisy, 2].sum()):
        return Verdict(True)
    return Verdict(
        False, f"The noise added in the steps {NOT_NORMAL} torch.randn draws normal noise."
    )


same_randomness = all_of(
    same_answer(
        "starts",
        says="Two runs with generators of the same seed start from different noise: pass "
        "`generator=generator` to torch.randn.",
    ),
    same_answer(
        "paths",
        says="Two runs with generators of the same seed go different ways: the noise of the steps "
        "should come from `generator`, too.",
    ),
    same_answer(
        "unseeded",
        says="Two runs without a generator give the same pictures: new noise should be drawn in "
        "every run.",
    ),
    same_answer("continued", says=CONTINUED),
)


def one_call_remark(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Judge nothing; point out that two calls in a step could be one."""
    pairs = observed.get("pairs")
    if isinstance(pairs, int) and pairs > 1:
        return Verdict(
            True,
            "Right. You ask the model twice in every step; both questions fit into one batch, "
            "which is faster on a GPU.",
        )
    return Verdict(True)


own_classes_asked = all_of(
    same_answer(
        "others",
        says="The model is asked with something else than a picture's own class, one-hot, or no "
        "class, a row of zeros.",
    ),
    same_answer(
        "dropped",
        says="Some pictures are asked for with their class less often than others: none may be "
        "dropped while sampling.",
    ),
)


def _adds_old_noise(seen: Observation) -> bool:
    """Whether earlier pictures explain a good part of what a step adds."""
    strengths, new = seen["noise"].values[:, 0], seen["new"].values
    return bool(((strengths > _NO_NOISE) & (new < _NEW)).any())


def _pixels(inputs: Inputs) -> int:
    count = inputs["n"] if "n" in inputs else len(inputs["labels"])
    return count * 28 * 28


def _standard_errors(seen: Observation, inputs: Inputs) -> np.ndarray:
    """Of the shares: noise that repeats itself along a dimension counts once."""
    lengths = np.sqrt([_pixels(inputs) / 28**2, 1, 28, 28])
    factors = np.where(seen["neighbours"].values > REPEATED, lengths, 1).prod(axis=1)
    return seen["errors"].values * factors[:, None]


def _other_steps_far_out(observed: Observation, expected: Observation) -> np.ndarray:
    """For each step, whether it is another where x_0 lies far outside of [0, 1], (steps,) bool."""
    if "far" not in expected:
        return np.zeros(0, dtype=bool)
    mine, target = observed.get("far"), expected["far"]
    if not isinstance(mine, Array) or mine.shape != target.shape:
        return np.ones(len(target.values), dtype=bool)
    return np.abs(mine.values - target.values).max(axis=1) >= 0.1


def _steps_seen(seen: Observation) -> tuple[int, int]:
    """How many steps can be judged, and how many were taken; the last may lead to no picture."""
    return len(seen["shares"].values), len(seen["times"].values)


def _steps_missing(observed: Observation, inputs: Inputs) -> str:
    count = len(inputs["schedule"]["betas"])
    taken = len(observed["times"].values)
    if taken == count:
        return "What your sampler returns is not a tensor like the pictures it shows to the model."
    return (
        f"Your sampler shows the model {taken} different batches, one after the other; there "
        f"should be {count}, one for each timestep."
    )


def _step_problem(
    number: int, wrong: np.ndarray, mine: np.ndarray, target: np.ndarray, inputs: Inputs
) -> str:
    """What is wrong in one step; `wrong` says of each share whether it is."""
    count = len(inputs["schedule"]["betas"])
    t = count - 1 - number
    where = f"In the step from t = {t}" + (f" to t = {t - 1}" if t else ", the last one")
    root, noise_root = _roots(inputs, t)
    rows = mine[number], target[number]
    kept, right_kept = (row[0] + row[1] / root for row in rows)
    taken, right_taken = (row[1] * noise_root / root for row in rows)
    if wrong[:2].any() and abs(kept - right_kept) > abs(taken - right_taken):
        return (
            f"{where}, x_t is multiplied by {_short(kept, 2)}; it should be "
            f"{_short(right_kept, 2)}."
        )
    if wrong[:2].any():
        return (
            f"{where}, {_short(taken, 2)} times the predicted noise is taken away; it should be "
            f"{_short(right_taken, 2)} times."
        )
    if len(wrong) == 5 and wrong[3]:
        return f"{where}, class 0 has an influence, though it was not asked for."
    if len(wrong) == 5 and wrong[2]:
        return (
            f"{where}, the class counts {_short(mine[number, 2] / mine[number, 1], 1)} times; with "
            f"guidance_scale = {_scale(inputs):g} it should count {_scale(inputs):.1f} times."
        )
    return f"{where}, something is added to the picture that doesn't belong there."


def _short(value: float, digits: int) -> str:
    """So many decimals; what rounds to 0 has no sign."""
    return f"{round(float(value), digits) + 0.0:.{digits}f}"


def _scale(inputs: Inputs) -> float:
    scale = inputs.get("guidance_scale")
    return 5.0 if scale is None else scale


def _roots(inputs: Inputs, t: int) -> tuple[float, float]:
    abar = float(inputs["schedule"]["alphas_cumprod"][t])
    return math.sqrt(abar), math.sqrt(1 - abar)


def _noise_strengths(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """The standard deviation of each step's noise by beta and by the posterior, the last step 0."""
    betas = inputs["schedule"]["betas"].double().numpy()
    abar = inputs["schedule"]["alphas_cumprod"].double().numpy()
    before = np.concatenate([[1.0], abar[:-1]])
    posterior = betas * (1 - before) / (1 - abar)
    by_beta = np.sqrt(betas)
    by_beta[0] = 0
    return by_beta[::-1], np.sqrt(posterior)[::-1]


def _same_strengths(mine: np.ndarray, target: np.ndarray, inputs: Inputs) -> bool:
    if mine.shape != target.shape:
        return False
    tolerance = _Z * np.maximum(mine, target) / math.sqrt(_pixels(inputs)) + 1e-3
    return bool((np.abs(mine - target) <= tolerance).all())


def _noise_problem(mine: np.ndarray, target: np.ndarray, inputs: Inputs) -> str:
    if mine[-1] > target[-1] + 1e-3:
        return (
            f"Noise of strength {mine[-1]:.2f} is added in the last step, t = 0. Nothing takes it "
            f"away again: leave it out there."
        )
    number = int(np.abs(mine - target).argmax())
    t = len(mine) - 1 - number
    return (
        f"The noise added in the step from t = {t} to t = {t - 1} has standard deviation "
        f"{mine[number]:.2f}; it should be {target[number]:.2f}, sqrt(beta_t)."
    )
