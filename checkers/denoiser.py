"""Lesson 12: what noising, the loss and the training loop must do, and how they go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from checkers.engine.exercise import Case, Exercise, Judge, Observation, Verdict
from checkers.engine.judges import (
    all_of,
    describe,
    same_answer,
    same_form,
    same_moments,
    same_values,
)
from checkers.engine.sentences import EVALUATED
from probes.call import call_many
from probes.denoiser import (
    draw_twice,
    loss_of_a_fixed_answer,
    run_epoch,
    what_the_model_sees,
)
from probes.running import Inputs
from solutions.denoiser import add_noise, denoising_loss, train_epoch

STRENGTHS = (0.2, 0.5, 1.0)


# Wrong targets are drawn at random, so a wrong loss is known only so well; the case of the gradient
# is exact.
_LOSS_TOLERANCE = 0.05


def _pictures(generator: torch.Generator, count: int, side: int = 28) -> Tensor:
    """Smooth pictures in [0, 1]."""
    coarse = torch.rand(count, 1, 5, 5, generator=generator)
    return F.interpolate(coarse, (side, side), mode="bilinear")


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _strengths(inputs: Inputs) -> list[str]:
    return [f"sigma = {float(call['sigma']):g}" for call in inputs["calls"]]


# add_noise


def _no_noise_inputs(generator: torch.Generator) -> Inputs:
    x = _pictures(generator, 2)
    return {"calls": [{"x": x, "sigma": 0.0, "noise": _noise(generator, *x.shape)}]}


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
    x = _pictures(generator, 2)
    noise = _noise(generator, *x.shape)
    return {"calls": [{"x": x, "sigma": sigma, "noise": noise} for sigma in STRENGTHS]}


def _drawn_inputs(generator: torch.Generator) -> Inputs:
    return {"calls": [{"x": torch.zeros(2, 2, 64, 64), "sigma": s} for s in STRENGTHS]}


def _twice_inputs(generator: torch.Generator) -> Inputs:
    x = _pictures(generator, 1).repeat(2, 1, 1, 1)
    return {"x": x, "sigma": 0.5, "noise": _noise(generator, *x.shape)}


ADD_NOISE = Exercise(
    reference=add_noise,
    cases=[
        Case(
            "with sigma = 0, the picture comes back unchanged",
            1,
            _no_noise_inputs,
            same_values(what="the picture", show=True, labels=_strengths),
            call_many,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _form_inputs,
            same_form(),
            call_many,
        ),
        Case(
            "sigma times the noise is added to the picture",
            2,
            _given_inputs,
            same_values(what="the noisy picture", labels=_strengths, show=True),
            call_many,
        ),
        Case(
            "without `noise`, it draws normal noise of strength sigma itself",
            1,
            _drawn_inputs,
            same_moments(what="your noise", labels=_strengths),
            call_many,
        ),
        Case(
            "the `noise` it is given is used; without it, every picture and every call get new",
            1,
            _twice_inputs,
            all_of(
                same_answer("given", says="The same `noise` gives two different results."),
                same_answer(
                    "drawn",
                    says="Two calls without `noise` give the same result: draw new noise every "
                    "time.",
                ),
                same_answer("alike", says="All pictures of a batch get the same noise."),
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


@ADD_NOISE.right_answer
def with_alpha(images, strength, eps=None):
    if eps is None:
        eps = torch.empty_like(images).normal_(mean=0.0, std=1.0)
    return torch.add(images, eps, alpha=float(strength))


@ADD_NOISE.right_answer
def with_numpy(x, sigma, noise=None):
    drawn = np.random.standard_normal(x.shape) if noise is None else noise.numpy()
    return (x.numpy() + sigma * drawn).astype(x.numpy().dtype)


@ADD_NOISE.mistake(
    "It looks as if one number is drawn for each picture and added to all its pixels. Every pixel "
    "needs a number of its own: torch.randn_like(x)."
)
def one_number_for_a_picture(x, sigma, noise=None):
    noise = torch.randn(len(x), 1, 1, 1, dtype=x.dtype) if noise is None else noise
    return x + sigma * noise


@ADD_NOISE.mistake(
    "It looks as if you multiplied the noise by sigma squared. sigma is a standard deviation: it "
    "multiplies the noise as it is."
)
def variance(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return x + sigma**2 * noise


@ADD_NOISE.mistake(
    "It looks as if you took the square root of sigma. sigma is a standard deviation, not a "
    "variance: it multiplies the noise as it is."
)
def square_root(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return x + sigma**0.5 * noise


@ADD_NOISE.mistake(
    "It looks as if you scaled the picture by sqrt(1 - sigma^2), as in lesson 01. Here the picture "
    "stays as it is, and noise is added on top."
)
def as_in_part_a(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return (1 - sigma**2) ** 0.5 * x + sigma * noise


@ADD_NOISE.mistake(
    "It looks as if you mixed picture and noise, (1 - sigma) x + sigma noise. Here the picture "
    "stays as it is, and noise is added on top."
)
def mixed(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return (1 - sigma) * x + sigma * noise


@ADD_NOISE.mistake(
    "It looks as if you clamped the result to [0, 1]. Then the noise is no longer normal, and its "
    "strength no longer sigma."
)
def clamped(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return (x + sigma * noise).clamp(0, 1)


@ADD_NOISE.mistake(
    "It looks as if you drew the noise with torch.rand, which is uniform between 0 and 1. The "
    "noise is normal: torch.randn_like."
)
def uniform(x, sigma, noise=None):
    noise = torch.rand_like(x) if noise is None else noise
    return x + sigma * noise


@ADD_NOISE.mistake(
    "It looks as if you always draw new noise, also when `noise` is given. Draw only if it is None."
)
def given_noise_ignored(x, sigma, noise=None):
    return x + sigma * torch.randn_like(x)


@ADD_NOISE.mistake(
    "It looks as if one noise picture is drawn for the whole batch. torch.randn_like(x) draws one "
    "for each picture."
)
def one_noise_for_all(x, sigma, noise=None):
    noise = torch.randn_like(x[:1]) if noise is None else noise
    return x + sigma * noise


@ADD_NOISE.mistake("It looks as if sigma is not used: the noise always has strength 1.")
def sigma_ignored(x, sigma, noise=None):
    noise = torch.randn_like(x) if noise is None else noise
    return x + noise


# denoising_loss


def _fixed_answer_inputs(generator: torch.Generator) -> Inputs:
    images = _pictures(generator, 80)
    answer = images + 0.3 * _noise(generator, *images.shape)
    return {"images": images, "sigma": 0.5, "answer": answer}


def _seen_inputs(generator: torch.Generator) -> Inputs:
    return {"images": _pictures(generator, 16), "sigma": 0.5}


def _colour_inputs(generator: torch.Generator) -> Inputs:
    return {"images": torch.rand(16, 3, 24, 20, generator=generator), "sigma": 0.1}


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
            same_values("loss", what="the loss", rtol=_LOSS_TOLERANCE),
            loss_of_a_fixed_answer,
        ),
        Case(
            "its gradient reaches what the model answers",
            2,
            _fixed_answer_inputs,
            all_of(
                _one_number,
                same_answer(
                    lambda observed: observed["gradient"] is None,
                    says="The loss has no gradient, so nothing can be learned from it. Return the "
                    "tensor as it is: no `.item()`, no `torch.no_grad()`, no `.detach()`.",
                ),
                same_values("gradient", what="the gradient", atol=1e-9),
            ),
            loss_of_a_fixed_answer,
        ),
        Case(
            "the model sees the pictures with normal noise of strength 0.5",
            2,
            _seen_inputs,
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
            ),
            what_the_model_sees,
        ),
        Case(
            "with sigma = 0.1 the noise is weaker",
            1,
            _colour_inputs,
            same_moments("noise", what="the noise that the model sees"),
            what_the_model_sees,
        ),
        Case(
            "every picture and every call get new noise",
            2,
            _seen_inputs,
            all_of(
                same_answer(
                    "repeated",
                    says="Two calls show the model the same noise. It would learn that noise by "
                    "heart; draw it afresh.",
                ),
                same_answer("alike", says="All pictures of a batch get the same noise."),
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


@DENOISING_LOSS.right_answer
def by_hand(net, clean, strength):
    z = clean + strength * torch.randn(clean.shape)
    return ((clean - net(z)) ** 2).mean()


@DENOISING_LOSS.right_answer
def with_a_criterion(model, images, sigma):
    criterion = torch.nn.MSELoss()
    noisy = torch.normal(images, torch.full_like(images, sigma))
    return criterion(images, model(noisy))


@DENOISING_LOSS.right_answer
def into_the_answer(model, images, sigma):
    error = model(images + sigma * torch.randn_like(images))
    error -= images
    return (error**2).mean()


@DENOISING_LOSS.mistake(
    "It looks as if the model is put into evaluation mode. It is being trained here: leave its "
    "mode as it is."
)
def in_evaluation_mode(model, images, sigma):
    model.eval()
    return F.mse_loss(model(images + sigma * torch.randn_like(images)), images)


@DENOISING_LOSS.mistake(
    "It looks as if the noise is written into `images`, which the next epoch then finds noisy. "
    "Make a new tensor of it: add_noise(images, sigma)."
)
def changing_the_images(model, images, sigma):
    clean = images.clone()
    images += sigma * torch.randn_like(images)
    return F.mse_loss(model(images), clean)


@DENOISING_LOSS.mistake(
    "It looks as if one noise is drawn for all channels of a picture. Every number needs its own; "
    "`add_noise` draws them."
)
def one_noise_for_all_channels(model, images, sigma):
    return F.mse_loss(model(images + sigma * torch.randn_like(images[:, :1])), images)


@DENOISING_LOSS.mistake(
    "It looks as if the noise always has 1 channel and 28x28 pixels. Draw it in the shape of the "
    "pictures: torch.randn_like(images)."
)
def noise_for_mnist_only(model, images, sigma):
    noise = torch.randn(len(images), 1, 28, 28)
    return F.mse_loss(model(images + sigma * noise), images)


@DENOISING_LOSS.mistake(
    "It looks as if there is one loss for each picture. Take the mean over the pictures, too, so "
    "that one number comes out."
)
def one_loss_for_each_picture(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return ((model(z) - images) ** 2).mean(dim=(1, 2, 3))


@DENOISING_LOSS.mistake(
    "It looks as if there is one loss for each pixel. `reduction='none'` leaves it so; without it, "
    "`F.mse_loss` takes the mean."
)
def one_loss_for_each_pixel(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), images, reduction="none")


@DENOISING_LOSS.mistake(
    "It looks as if one number is drawn for each picture and added to all its pixels. Every pixel "
    "needs a number of its own; `add_noise` draws them."
)
def shown_one_number_for_a_picture(model, images, sigma):
    return F.mse_loss(model(images + sigma * torch.randn(len(images), 1, 1, 1)), images)


@DENOISING_LOSS.mistake(
    "It looks as if the model is asked for the noise. This denoiser gives the picture: compare its "
    "answer with `images`. (Lesson 13 turns to the noise.)"
)
def noise_as_target(model, images, sigma):
    noise = torch.randn_like(images)
    return F.mse_loss(model(images + sigma * noise), noise)


@DENOISING_LOSS.mistake(
    "It looks as if the model's answer is compared with the noisy pictures. Then giving back its "
    "input would be perfect; compare with the clean ones."
)
def noisy_as_target(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), z)


@DENOISING_LOSS.mistake(
    "It looks as if the model gets the clean pictures. Give it the noisy ones: model(z)."
)
def clean_as_input(model, images, sigma):
    return F.mse_loss(model(images), images)


@DENOISING_LOSS.mistake(
    "It looks as if you took the sum over all pixels. Take the mean, so that the loss doesn't "
    "depend on the number of pictures."
)
def summed(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return ((model(z) - images) ** 2).sum()


@DENOISING_LOSS.mistake(
    "It looks as if you took the mean absolute difference (L1). The loss here is the mean of the "
    "squared difference (L2)."
)
def absolute(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.l1_loss(model(z), images)


@DENOISING_LOSS.mistake(
    "It looks as if there is a square root around the mean. The loss is the mean of the squares "
    "itself."
)
def rooted(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), images).sqrt()


@DENOISING_LOSS.mistake(
    "It looks as if the loss is returned as a plain number, or computed without gradients. Return "
    "the tensor: train_epoch needs its gradient."
)
def without_gradient(model, images, sigma):
    z = images + sigma * torch.randn_like(images)
    return F.mse_loss(model(z), images).item()


@DENOISING_LOSS.mistake(
    "It looks as if sigma is not passed on: the model sees noise of strength 1 whatever sigma is."
)
def strength_ignored(model, images, sigma):
    return F.mse_loss(model(images + torch.randn_like(images)), images)


@DENOISING_LOSS.mistake(
    "It looks as if the noise starts from a fixed seed in every call, so that it is always the "
    "same. Set the seed once, at the top of the lesson."
)
def seeded(model, images, sigma):
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return F.mse_loss(model(images + sigma * noise), images)


# train_epoch


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
            False,
            f"train_epoch returns {len(mine)} losses for {len(inputs['batches'])} batches.",
        )
    for number, (one, other) in enumerate(zip(mine, target, strict=True), 1):
        if not isinstance(one, float | int) or not np.isclose(one, other, rtol=1e-5):
            shown = f"{one:.5g}" if isinstance(one, float | int) else describe(one)
            return Verdict(
                False, f"The loss of batch {number} is {shown}; it should be {other:.5g}."
            )
    if observed["numpy"]:
        return Verdict(True, "The values are right. It is a numpy array, though, and no list.")
    return Verdict(True)


def _epoch_case(title: str, points: int, judge: Judge) -> Case:
    return Case(title, points, _epoch_inputs, judge, run_epoch)


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
                    says="The model is in evaluation mode while it is trained, for some batches at "
                    "least. BatchNorm then doesn't learn: begin with model.train().",
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


@TRAIN_EPOCH.right_answer
def zero_at_the_end(net, batches, opt, strength, criterion=None):
    net.train(True)
    history = []
    for batch in batches:
        pictures = batch[0]
        loss = criterion(net, pictures, strength)
        loss.backward()
        opt.step()
        net.zero_grad(set_to_none=False)
        history.append(float(loss.detach()))
    return history


@TRAIN_EPOCH.right_answer
def with_enumerate(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = torch.zeros(len(loader))
    for i, (images, _labels) in enumerate(loader):
        current = loss(model, images.to(next(model.parameters()).device), sigma)
        optimizer.zero_grad()
        current.backward()
        optimizer.step()
        losses[i] = current.detach()
    return losses


@TRAIN_EPOCH.right_answer
def with_detached_tensors(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad(set_to_none=True)
        value = loss(model, images, sigma=sigma)
        losses.append(value.detach())
        value.backward()
        optimizer.step()
    return losses


@TRAIN_EPOCH.right_answer
def as_an_array(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.detach().numpy())
    return np.array(losses)


@TRAIN_EPOCH.mistake(
    "It looks as if the parameters are moved by hand. Leave that to the optimizer, which may do "
    "more than gradient descent: optimizer.step()."
)
def step_by_hand(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        model.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= optimizer.param_groups[0]["lr"] * parameter.grad
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if optimizer.step() stands after the loop. It belongs inside: one step for every "
    "batch."
)
def one_step_at_the_end(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        losses.append(value.item())
    optimizer.step()
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if the loss is computed again after the step, for the list. Keep the value from "
    "before: the loss should be computed once for every batch."
)
def computed_again(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        loss(model, images, sigma).backward()
        optimizer.step()
        losses.append(loss(model, images, sigma).item())
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if the list keeps the losses as tensors, with all that their gradients need. "
    "Append value.item(): a plain number, which can be drawn and takes no memory."
)
def keeping_tensors(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        losses.append(loss(model, images, sigma))
        losses[-1].backward()
        optimizer.step()
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if gradients pile up: `backward` adds to what is there already. Call "
    "optimizer.zero_grad() once for every batch."
)
def gradients_pile_up(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if zero_grad is called once before the loop. It belongs inside: once for every "
    "batch."
)
def zeroed_once(model, loader, optimizer, sigma, loss=None):
    model.train()
    total = 0
    losses = []
    optimizer.zero_grad()
    for images, _ in loader:
        value = loss(model, images, sigma)
        total = total + value
        losses.append(value.item())
    total.backward()
    optimizer.step()
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if optimizer.step() is missing, or the gradient is forgotten before it: the "
    "parameters don't move. The order is zero_grad, backward, step."
)
def never_moves(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        value = loss(model, images, sigma)
        value.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if the step is taken before the gradient is computed. The order is zero_grad, "
    "backward, step."
)
def step_too_early(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        value = loss(model, images, sigma)
        optimizer.step()
        optimizer.zero_grad()
        value.backward()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if only the first batch is used: `return` stands inside the loop. Move it to the "
    "left."
)
def first_batch_only(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
        return losses


@TRAIN_EPOCH.mistake(
    "It looks as if model.train() is missing: a model that was evaluated before stays in "
    "evaluation mode."
)
def evaluation_mode(model, loader, optimizer, sigma, loss=None):
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


@TRAIN_EPOCH.mistake(
    "It looks as if you return the mean over the epoch. Return the list: the lesson draws a curve "
    "of it."
)
def only_the_mean(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, sigma)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return sum(losses) / len(losses)


@TRAIN_EPOCH.mistake(
    "It looks as if sigma is fixed to 0.5 inside the loop. Use the `sigma` that train_epoch is "
    "given."
)
def fixed_strength(model, loader, optimizer, sigma, loss=None):
    model.train()
    losses = []
    for images, _ in loader:
        optimizer.zero_grad()
        value = loss(model, images, 0.5)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


EXERCISES = [ADD_NOISE, DENOISING_LOSS, TRAIN_EPOCH]
