"""Probes of lesson 13: where the time acts in a network, and what a loss and a sampler do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs, copied
from checkers.engine.worlds.ddpm import StepWorld, path_of, same_again, watch_loss, watch_steps
from checkers.unet.probe import build, give_known_values, one_thread


@one_thread()
def find_conditioning(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """See at which place an input such as the time reaches the result.

    Only FCBlocks have matrices. Those with D rows belong to the second place, after the first
    UpBlock: if their first layer is cut, they give what their biases say, and an influence is left
    only at the first place. The only kernel of shape (4D, D, 4, 4) is the first UpBlock's: without
    it nothing from the first place passes. All biases are 1, so that what is cut gives a constant
    other than 0, which may multiply something.

    Args:
        student: the class under test.
        inputs: {"arguments": list, whose last is D, "x", "also": further inputs, "which": the
            number of the input that is changed, "other": what it is changed to, "seed"}.

    Returns:
        {"first", "second": whether the result depends on the input at each place, "own": whether
        changing it for one picture changes that picture's result and no other}.
    """
    hiddens = inputs["arguments"][-1]
    given = [inputs["x"], *inputs["also"]]
    changed = list(given)
    changed[inputs["which"]] = inputs["other"]
    one_changed = list(given)
    one_changed[inputs["which"]] = given[inputs["which"]].clone()
    one_changed[inputs["which"]][1] = inputs["other"][1]

    def differences(cut: Callable[[Tensor], bool], others: list[Tensor]) -> Tensor:
        module = build(student, inputs["arguments"])
        with torch.no_grad():
            module(*given)
            give_known_values(module, inputs["seed"])
            for parameter in module.parameters():
                if cut(parameter):
                    parameter.zero_()
                elif parameter.ndim == 1:
                    parameter.fill_(1.0)
            module.eval()
            return (module(*given) - module(*others)).flatten(1).abs().amax(1) > 1e-5

    first = differences(lambda p: p.ndim == 2 and len(p) == hiddens != p.shape[1], changed)
    second = differences(lambda p: tuple(p.shape) == (4 * hiddens, hiddens, 4, 4), changed)
    own = differences(lambda p: False, one_changed).tolist()
    return {
        "first": bool(first.any()),
        "second": bool(second.any()),
        "own": own == [i == 1 for i in range(len(own))],
    }


def noise_pictures(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `ddpm_loss` often and see what it does to the pictures.

    Args:
        student: `ddpm_loss`.
        inputs: {"images", "alphas_cumprod", "calls"}.

    Returns:
        As `worlds.ddpm.watch_loss`.
    """
    images, abar = inputs["images"], inputs["alphas_cumprod"]

    def loss(model: nn.Module, images: Tensor) -> Any:
        return student(model, images, abar)

    observed = watch_loss(loss, images, inputs["calls"], len(abar))
    observed.pop("noised", None)
    return observed


def sample_in_steps(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `ddpm_sample` run where each step's x_0 is known.

    Args:
        student: `ddpm_sample`.
        inputs: {"schedule", "n", "seed"}.

    Returns:
        As `worlds.ddpm.watch_steps`, and "far": the same shares where x_0 lies far outside
        of [0, 1].
    """
    observed: dict[str, Any] = {}
    for name, spread in (("near", 0.4), ("far", 2.0)):
        world = StepWorld(
            inputs["schedule"]["alphas_cumprod"], inputs["n"], inputs["seed"], spread=spread
        )
        result = student(world, inputs["n"], inputs["schedule"])
        watched = watch_steps(world, result)
        observed = watched if name == "near" else {**observed, "far": watched["shares"]}
    return observed


def sample_repeatedly(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `ddpm_sample` run with a generator, with the same again, and twice without.

    Args:
        student: `ddpm_sample`.
        inputs: {"schedule", "n", "seed"}.

    Returns:
        As `worlds.ddpm.same_again`.
    """

    def run(*generator: torch.Generator) -> Tensor | None:
        world = StepWorld(inputs["schedule"]["alphas_cumprod"], inputs["n"], inputs["seed"])
        student(world, inputs["n"], inputs["schedule"], *generator)
        return path_of(world)

    return same_again(run, inputs["seed"])


def sample_sizes(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Let `ddpm_sample` draw other numbers of pictures.

    Args:
        student: `ddpm_sample`.
        inputs: {"schedule", "sizes", "seed"}.

    Returns:
        {"result": what it returned for each, "changed": "schedule" if it wrote into it}.
    """
    schedule = inputs["schedule"]
    before = copied(schedule)
    abar = before["alphas_cumprod"]
    results = [student(StepWorld(abar, n, inputs["seed"]), n, schedule) for n in inputs["sizes"]]
    return {"result": results, "changed": changed_schedule(schedule, before)}


def changed_schedule(schedule: dict[str, Tensor], before: dict[str, Tensor]) -> list[str]:
    """["schedule"] if one of its entries is not what it was before, else nothing."""
    same = all(torch.equal(values, before[name]) for name, values in schedule.items())
    return [] if same and schedule.keys() == before.keys() else ["schedule"]
