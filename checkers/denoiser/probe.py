"""Probes of lesson 12: what a loss shows to the model, and what a training loop does to one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.call import alike, as_tensor


class _Answering(nn.Module):
    """Gives a fixed answer that can be learned, and keeps what it was shown, in which mode."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(answer.clone())
        self.shown: list[Tensor] = []
        self.modes: list[str] = []

    def forward(self, z: Tensor) -> Tensor:
        self.shown.append(z.detach().clone())
        self.modes.append("train" if self.training else "eval")
        return self.answer + 0  # not the parameter, which no one may write into


def draw_twice(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `add_noise` twice with the same noise, and twice without.

    Args:
        student: the function under test.
        inputs: {"x", "sigma", "noise"}.

    Returns:
        {"result": of a call without noise, "given": whether the same noise gave the same result,
        "drawn": whether two calls that
        draw their own noise gave the same result, "alike": whether the noise drawn for two equal
        pictures is the same}.
    """

    def once(*names: str) -> Any:
        """With copies: what one call writes into its inputs is not the next one's affair."""
        return student(*(copied(inputs[name]) for name in ("x", "sigma", *names)))

    result = once()
    drawn = as_tensor(result)
    pair = None if drawn is None or len(drawn.shape) < 2 else drawn[:2].flatten(1)
    return {
        "result": result,
        "given": alike(once("noise"), once("noise")),
        "drawn": alike(result, once()),
        "alike": pair is not None and len(pair) > 1 and alike(*pair),
    }


def loss_of_a_fixed_answer(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `denoising_loss` with a model that always gives the same answer.

    Args:
        student: the function under test.
        inputs: {"images", "sigma", "answer": what the model gives}.

    Returns:
        {"loss": what it returned, "form": what that is, "gradient": of the answer, or None if the
        loss has none, "shown": what the model was shown last, or None}.
    """
    model = _Answering(inputs["answer"])
    loss = student(model, inputs["images"], inputs["sigma"])
    form = _form(loss)
    has_gradient = form == "one number" and isinstance(loss, Tensor) and loss.requires_grad
    if has_gradient:
        loss.backward()
    gradient = model.answer.grad if has_gradient else None
    shown = model.shown[-1] if model.shown else None
    return {"loss": loss, "form": form, "gradient": gradient, "shown": shown}


def _form(loss: Any) -> str:
    """What a loss is: one number, a tensor of some shape, or something of another type."""
    if isinstance(loss, Tensor | np.ndarray):
        shape = tuple(loss.shape)
        return f"a tensor of shape {shape}" if math.prod(shape) != 1 else "one number"
    return "one number" if isinstance(loss, int | float) else f"a {type(loss).__name__}"


def what_the_model_sees(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `denoising_loss` twice and keep what was added to the pictures.

    Args:
        student: the function under test.
        inputs: {"images", "sigma"}.

    Returns:
        {"changed": whether it writes into the pictures; "evaluates": whether it puts the model
        into evaluation mode; "noise": what the model was shown last, less the pictures, in the
        first call; "shown": what it was shown; "calls": how often the model was called; "repeated":
        whether the second call drew the same noise; "alike": whether the first two pictures got the
        same noise}.
    """
    images, sigma = inputs["images"], inputs["sigma"]
    model = _Answering(torch.zeros_like(images)).train()
    given = images.clone()
    student(model, given, sigma)
    calls = len(model.shown)
    shown = model.shown[-1] if calls else None
    first = shown - images if calls else None
    changed = not torch.equal(given, images)
    evaluates = "eval" in model.modes or not model.training
    student(model, images.clone(), sigma)
    second = model.shown[-1] - images if len(model.shown) > calls else None
    return {
        "changed": changed,
        "evaluates": evaluates,
        "noise": first,
        "shown": shown,
        "calls": calls,
        "repeated": alike(first, second),
        "alike": first is not None and bool(torch.allclose(first[0], first[1], atol=1e-6)),
    }


class _Scaling(nn.Module):
    """Multiplies pictures by one number, which is what it learns. It has a layer, with a mode."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(start))
        self.layer = nn.Identity()
        self.modes: list[str] = []

    def forward(self, x: Tensor) -> Tensor:
        mode = "train" if self.training else "eval"
        self.modes.append(mode if self.layer.training else f"{mode}, its layer eval")
        return self.layer(self.factor * x)


def run_epoch(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `train_epoch` train a model with one parameter, with a loss without noise.

    The loss is the mean of (factor * x - 2 x - sigma)^2, so that every step can be computed. The
    optimizer has momentum, which a step written by hand hasn't, and has taken a step before, which
    a new optimizer knows nothing of.

    Args:
        student: the function under test.
        inputs: {"batches": list of pictures, "learning_rate", "sigma", "start": of the factor}.

    Returns:
        {"losses": what it returned, "attached": whether they still have a gradient, "numpy":
        whether they are a numpy array, "lazy": an iterator; "factor": the parameter at the end;
        "modes": the mode of the model and its layer whenever it was asked, "strengths": the sigma
        of each call of the loss, "pictures": how many pictures each call got, "means": of these
        pictures; "changed": whether pictures were written into}.
    """
    model = _Scaling(inputs["start"]).eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=inputs["learning_rate"], momentum=0.9)
    model.factor.grad = torch.ones_like(model.factor)
    optimizer.step()
    optimizer.zero_grad()
    model.factor.data.fill_(inputs["start"])
    seen: dict[str, list] = {"strengths": [], "pictures": [], "means": []}

    def loss(model: nn.Module, images: Tensor, sigma: float) -> Tensor:
        seen["strengths"].append(float(sigma))
        seen["pictures"].append(len(images))
        seen["means"].append(float(images.double().mean()))
        return ((model(images) - 2 * images - sigma) ** 2).mean()

    given = [images.clone() for images in inputs["batches"]]
    batches = [(images, torch.zeros(len(images), dtype=torch.long)) for images in given]
    # It gives the batches as they are, but not by number. A list is a data set, if not by its type.
    loader = DataLoader(cast("Dataset[Any]", batches), batch_size=None)
    losses = student(model, loader, optimizer, inputs["sigma"], loss)
    attached, is_numpy = False, isinstance(losses, np.ndarray)
    if isinstance(losses, Tensor | list | tuple | np.ndarray) and _is_a_row(losses):
        values = [torch.as_tensor(value) for value in losses]
        attached = any(value.requires_grad for value in values)
        losses = [value.item() for value in values]
    factor = float(model.factor.detach())
    pairs = zip(given, inputs["batches"], strict=True)
    return {
        "losses": losses,
        "attached": attached,
        "numpy": is_numpy,
        "lazy": isinstance(losses, Iterator),
        "factor": factor,
        "modes": model.modes,
        "changed": any(not torch.equal(one, other) for one, other in pairs),
        **seen,
    }


def _is_a_row(losses: Any) -> bool:
    """A one-dimensional tensor or array, or a list of numbers, which may be tensors or arrays."""
    if isinstance(losses, np.ndarray):
        return losses.ndim == 1 and losses.dtype.kind in "fiu"
    if isinstance(losses, Tensor):
        return losses.ndim == 1
    return all(
        math.prod(value.shape) == 1
        if isinstance(value, Tensor | np.ndarray)
        else isinstance(value, int | float | np.number)
        for value in losses
    )
