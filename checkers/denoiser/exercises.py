"""Lesson 12: what noising, the loss and the training loop must do, and how they go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from checkers.denoiser.probe import (
    draw_twice,
    loss_of_a_fixed_answer,
    run_epoch,
    what_the_model_sees,
)
from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges.cases import form_case
from checkers.engine.judges.evidence import draw_secret, with_evidence
from checkers.engine.judges.inputs import draw_digits, draw_noise
from checkers.engine.judges.sentences import EVALUATED, NO_GRADIENT
from checkers.engine.judges.values import (
    all_of,
    describe,
    each_call,
    same_answer,
    same_moments,
    same_values,
)
from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.call import call_many
from solutions.denoiser import add_noise, denoising_loss, train_epoch

STRENGTHS = (0.2, 0.5, 1.0)

# Wrong targets are drawn at random, so a wrong loss is known only so well; the case of the gradient
# is exact.
_LOSS_TOLERANCE = 0.05

_each_strength = each_call("sigma = {sigma:g}")


# --- add_noise ------------------------------------------------------------------------------------


def _no_noise_inputs(generator: torch.Generator) -> Inputs:
    x = draw_digits(generator, 2)
    return {"calls": [{"x": x, "sigma": 0.0, "noise": draw_noise(generator, *x.shape)}]}


def _form_inputs(generator: torch.Generator) -> Inputs:
    calls: list[dict[str, Any]] = []
    for shape, dtype, sigma in (
        ((1, 1, 28, 28), torch.float32, 0.5),
        ((3, 2, 8, 6), torch.float64, 1),
    ):
        x = torch.rand(shape, generator=generator, dtype=dtype)
        calls.append({"x": x, "sigma": sigma})
        calls.append({**calls[-1], "noise": torch.randn(shape, generator=generator, dtype=dtype)})
    return {"calls": calls}


def _given_inputs(generator: torch.Generator) -> Inputs:
    x = draw_digits(generator, 2)
    noise = draw_noise(generator, *x.shape)
    return {"calls": [{"x": x, "sigma": sigma, "noise": noise} for sigma in STRENGTHS]}


def _drawn_inputs(generator: torch.Generator) -> Inputs:
    """Strengths that nobody has seen."""
    factors = (1 + 0.5 * torch.rand(len(STRENGTHS), generator=generator)).tolist()
    strengths = [round(s * factor, 2) for s, factor in zip(STRENGTHS, factors, strict=True)]
    return {"calls": [{"x": torch.zeros(2, 2, 64, 64), "sigma": s} for s in strengths]}


def _twice_inputs(generator: torch.Generator) -> Inputs:
    secret = draw_secret(generator, 1, 28, 28)
    x = (0.5 + 0.4 * secret).repeat(2, 1, 1, 1)
    noise = draw_noise(generator, *x.shape)
    return {"x": x, "sigma": 0.5, "noise": noise, "secret": secret}


ADD_NOISE = Exercise(
    reference=add_noise,
    cases=[
        Case(
            "with sigma = 0, the picture comes back unchanged",
            1,
            _no_noise_inputs,
            same_values(what="the picture", show=True, labels=_each_strength),
            call_many,
        ),
        form_case(_form_inputs),
        Case(
            "sigma times the noise is added to the picture",
            2,
            _given_inputs,
            same_values(what="the noisy picture", labels=_each_strength, show=True),
            call_many,
        ),
        Case(
            "without `noise`, it draws normal noise of strength sigma itself",
            1,
            _drawn_inputs,
            same_moments(what="your noise", labels=_each_strength),
            call_many,
        ),
        Case(
            "the `noise` it is given is used; without it, every picture and every call get new",
            1,
            _twice_inputs,
            with_evidence(
                all_of(
                    same_answer("given", says="The same `noise` gives two different results."),
                    same_answer(
                        "drawn",
                        says="Two calls without `noise` give the same result: draw new noise every "
                        "time.",
                    ),
                    same_answer("alike", says="All pictures of a batch get the same noise."),
                ),
                "result",
                says="Without `noise`, the result shows nothing of the picture.",
            ),
            draw_twice,
        ),
    ],
    hints=[
        "One multiplication and one addition. There is no square root here: sigma is a standard "
        "deviation already.",
        "`noise` may be None: then `torch.randn_like(x)` draws it. The result is "
        "`x + sigma * noise`.",
    ],
)


# --- denoising_loss -------------------------------------------------------------------------------


def _fixed_answer_inputs(generator: torch.Generator) -> Inputs:
    return _with_an_answer(generator, _seen_inputs(generator, 80))


def _colour_answer_inputs(generator: torch.Generator) -> Inputs:
    """Another number of values in a picture than those of MNIST have."""
    return _with_an_answer(generator, _colour_inputs(generator))


def _with_an_answer(generator: torch.Generator, inputs: Inputs) -> Inputs:
    noise = draw_noise(generator, *inputs["images"].shape)
    return {**inputs, "answer": inputs["images"] + 0.3 * noise}


def _seen_inputs(generator: torch.Generator, count: int = 16) -> Inputs:
    secret = draw_secret(generator, 1, 28, 28)
    images = 0.4 * draw_digits(generator, count) + 0.3 + 0.3 * secret
    return {"images": images, "sigma": 0.5, "secret": secret}


def _colour_inputs(generator: torch.Generator) -> Inputs:
    images = torch.rand(16, 3, 24, 20, generator=generator)
    return {"images": images, "sigma": 0.1, "secret": images}


def _seen(judge: Judge) -> Judge:
    """`judge`, and the model was shown the pictures."""
    return with_evidence(judge, "shown", says="The model is shown nothing of the pictures.")


def _one_number(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    if observed["form"] == expected["form"]:
        return Verdict(True)
    if observed["loss"] is None:
        return Verdict(False, "The loss is None. Is the last line, `return ...`, missing?")
    return Verdict(
        False,
        f"The loss should be one number, but it is {describe(observed['loss'])}. Take the mean "
        f"over all pixels of the batch, and return nothing else.",
    )


DENOISING_LOSS = Exercise(
    reference=denoising_loss,
    cases=[
        Case(
            "the loss is the mean squared distance from the clean pictures",
            3,
            _fixed_answer_inputs,
            _seen(same_values("loss", what="the loss", rtol=_LOSS_TOLERANCE)),
            loss_of_a_fixed_answer,
        ),
        Case(
            "its gradient reaches what the model answers",
            2,
            _colour_answer_inputs,
            all_of(
                _one_number,
                same_answer(lambda observed: observed["gradient"] is None, says=NO_GRADIENT),
                same_values("gradient", what="the gradient", atol=1e-9),
            ),
            loss_of_a_fixed_answer,
        ),
        Case(
            "the model sees the pictures with normal noise of strength 0.5",
            2,
            _seen_inputs,
            _seen(
                all_of(
                    same_answer(
                        lambda observed: observed["calls"] > 0,
                        says="The model was not called. Give it the noisy pictures: model(z).",
                    ),
                    same_answer(
                        "changed",
                        says="The loss changes the `images` it was given. Work on a new tensor: "
                        "`a = a + b` makes one, `a += b` writes into the old.",
                    ),
                    same_answer("evaluates", says=EVALUATED),
                    same_moments("noise", what="the noise that the model sees"),
                )
            ),
            what_the_model_sees,
        ),
        Case(
            "with sigma = 0.1 the noise is weaker",
            1,
            _colour_inputs,
            _seen(same_moments("noise", what="the noise that the model sees")),
            what_the_model_sees,
        ),
        Case(
            "every picture and every call get new noise",
            2,
            _seen_inputs,
            _seen(
                all_of(
                    same_answer(
                        "repeated",
                        says="Two calls show the model the same noise. It would learn that noise "
                        "by heart; draw it afresh.",
                    ),
                    same_answer("alike", says="All pictures of a batch get the same noise."),
                )
            ),
            what_the_model_sees,
        ),
    ],
    hints=[
        "Three steps: noise the images, ask the model, compare its answer with the clean images.",
        "`add_noise(images, sigma)` without a third argument draws new noise at every call.",
        "`F.mse_loss(a, b)` is the mean of (a - b)^2 over everything, as a scalar with a gradient.",
    ],
)


# --- train_epoch ----------------------------------------------------------------------------------


def _epoch_inputs(generator: torch.Generator) -> Inputs:
    batches = [1 + torch.rand(size, 1, 4, 4, generator=generator) for size in (3, 3, 3, 2)]
    return {"batches": batches, "learning_rate": 0.05, "sigma": 0.25, "start": 0.5}


def _same_losses(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    mine, target = observed["losses"], expected["losses"]
    if not isinstance(target, list):
        return same_values("losses", what="the loss")(observed, expected, inputs)
    if not isinstance(mine, list):
        return Verdict(
            False,
            f"train_epoch returns {describe(mine)}; it should return a list with the loss of each "
            f"batch.",
        )
    if len(mine) != len(target):
        return Verdict(
            False, f"train_epoch returns {len(mine)} losses for {len(inputs['batches'])} batches."
        )
    for number, (one, other) in enumerate(zip(mine, target, strict=True), 1):
        if not isinstance(one, float | int):
            return Verdict(
                False,
                f"The list should hold one number for each batch, but for batch {number} it holds "
                f"{describe(one)}.",
            )
        if not np.isclose(one, other, rtol=1e-5):
            return Verdict(
                False, f"The loss of batch {number} is {one:.5g}; it should be {other:.5g}."
            )
    if observed["numpy"]:
        return Verdict(True, "The values are right. It is a numpy array, though, and no list.")
    return Verdict(True)


def _shown_the_batches(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """Whether the loss or the model was given any of the loader's batches."""
    own = [float(images.double().mean()) for images in inputs["batches"]]
    mine, right = (
        any(np.isclose(mean, own, atol=1e-6).any() for mean in seen["means"])
        for seen in (observed, expected)
    )
    if mine == right:
        return Verdict(True)
    return Verdict(False, "The loss is given none of the loader's pictures.")


_has_run = same_answer(
    "lazy",
    says="train_epoch returns an iterator, which may not have trained yet. It should return a list "
    "with the loss of each batch.",
)


def _epoch_case(title: str, points: int, judge: Judge) -> Case:
    judges = all_of(_has_run, _shown_the_batches, judge)
    return Case(title, points, _epoch_inputs, judges, run_epoch)


TRAIN_EPOCH = Exercise(
    reference=train_epoch,
    cases=[
        _epoch_case(
            "every batch is used once, with the given loss and sigma",
            2,
            all_of(
                same_answer(
                    lambda observed: bool(observed["pictures"]),
                    says="The `loss` that was given is never called: call loss(model, images, "
                    "sigma).",
                ),
                same_answer(
                    "pictures", says="The loss should be computed once for every batch, in order."
                ),
                same_values("strengths", what="the sigma that the loss gets"),
                same_answer(
                    "changed",
                    says="The pictures of the loader are written into. Leave them as they are: the "
                    "next epoch needs them.",
                ),
            ),
        ),
        _epoch_case(
            "the model is in training mode",
            1,
            all_of(
                same_answer(
                    lambda observed: bool(observed["modes"]),
                    says="The model is never asked for anything: give it to the loss.",
                ),
                same_answer(
                    lambda observed: sorted(set(observed["modes"])),
                    says="The model, or a layer in it, is in evaluation mode while it is trained, "
                    "for some batches at least. BatchNorm then doesn't learn: begin with "
                    "model.train().",
                ),
            ),
        ),
        _epoch_case(
            "each batch moves the parameters by its own gradient",
            3,
            same_values("factor", what="the parameter after one epoch"),
        ),
        _epoch_case(
            "it returns the loss of every batch",
            2,
            all_of(
                same_answer(
                    "attached",
                    says="The losses are tensors that still belong to the computation of their "
                    "gradients: they can't be drawn, and memory fills up. value.item() makes a "
                    "plain number.",
                ),
                _same_losses,
            ),
        ),
    ],
    hints=[
        "For each batch, four lines: forget the old gradient, compute the loss, compute its "
        "gradient, let the optimizer take a step.",
        "`optimizer.zero_grad()`, `value = loss(model, images, sigma)`, `value.backward()`, "
        "`optimizer.step()`.",
        "The loader gives pairs: `for images, labels in loader:`. `value.item()` makes a plain "
        "number of a loss; append it to a list. Begin with `model.train()`.",
    ],
)


EXERCISES = [ADD_NOISE, DENOISING_LOSS, TRAIN_EPOCH]
