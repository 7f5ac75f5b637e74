"""Cases of sampling loops that follow two prompts at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from checkers.engine.exercise import Case
from checkers.engine.judges.evidence import hide_in, with_evidence
from checkers.engine.judges.inputs import draw_noise, draw_seed
from checkers.engine.judges.loops import ENDS_EARLY, loop_cases, same_spread
from checkers.engine.sandbox.inside.running import Inputs, Probe
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod
from solutions.forward_noising import forward

TIMESTEPS = [990, 780, 560, 333, 130, 40, 0]
_EVEN_TIMESTEPS = list(range(990, -1, -165))

Pair = tuple[tuple[str, ...], tuple[str, ...]]
"""First and second prompts: one for all pictures, or one for each."""
MakeMeans = Callable[[torch.Generator, float], dict[str, Tensor]]
"""`make_means(generator, reach)` gives a (3, H, W) for each prompt, within [-reach, reach]."""


def pair_loop_cases(
    make_means: MakeMeans,
    std: float,
    quietly: Probe,
    repeatedly: Probe,
    gaussians: Probe,
    *,
    pair: Pair,
    pairs_of_two: Pair,
    pair_of_three: Pair,
    known: Case,
) -> list[Case]:
    """The cases of such a loop.

    Args:
        make_means: makes the world of a run.
        std: of the data.
        quietly: as for `loop_cases`.
        repeatedly: as for `loop_cases`.
        gaussians: runs the loop in a Gaussian world; as `worlds.loops.run_to_gaussians`.
        pair: what most runs follow.
        pairs_of_two: a pair for each picture of a batch of two.
        pair_of_three: one for all pictures of a batch of three.
        known: the case in a world where the result is known.
    """
    return loop_cases(
        partial(_make_run, make_means, pair),
        std,
        quietly,
        repeatedly,
        loop=[(2, _EVEN_TIMESTEPS), (0, TIMESTEPS[:4]), (2, ENDS_EARLY)],
        far=(2, TIMESTEPS),
        prompts=[
            (
                "prompts and guidance are passed on; batches work",
                1,
                (2, TIMESTEPS, pairs_of_two, 2, 0.6),
                (3, TIMESTEPS, pair_of_three, 3, 3.0),
            ),
            ("without `scale`, it is 7", 1, (3, TIMESTEPS, pair, 1, None)),
        ],
        added=[(3, _EVEN_TIMESTEPS), (2, ENDS_EARLY, pairs_of_two, 2)],
        known=[
            known,
            Case(
                "where pictures are normally distributed, the results have their mean and spread",
                1,
                partial(_gaussian_inputs, pair),
                with_evidence(same_spread, "result"),
                gaussians,
            ),
        ],
        repeated=(2, TIMESTEPS),
        form=[(3, TIMESTEPS, pair, 3), (4, TIMESTEPS)],
        shows_im_noisy=False,
    )


def _gaussian_inputs(pair: Pair, generator: torch.Generator) -> Inputs:
    """Gaussians of one mean and spread: whatever is joined, and however guided, keeps both."""
    prompts = [list(prompts) for prompts in pair]
    mean = torch.full((3, 40, 40), 0.1 + 0.1 * float(torch.rand((), generator=generator)))
    hidden = hide_in(dict.fromkeys(("", *prompts[0], *prompts[1]), mean), generator, strength=0.05)
    timesteps = [990, 780, 560, 333, 130, 40, 8, 0]
    x_0 = mean + 0.2 * draw_noise(generator, 3, 3, 40, 40)
    drawn = draw_noise(generator, 3, 3, 40, 40)
    return {
        **hidden,
        "std": 0.2,
        "im_noisy": forward(x_0, timesteps[1], squared_cosine_alphas_cumprod(), drawn),
        "i_start": 1,
        "prompts": prompts,
        "timesteps": timesteps,
        "scale": 1.5,
        "seed": draw_seed(generator),
    }


def _make_run(
    make_means: MakeMeans,
    pair: Pair,
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    other_pair: Pair | None = None,
    batch: int = 1,
    scale: float | None = 2.5,
    far: bool = False,
) -> Inputs:
    """A run in which all estimates of x_0 lie within [-1, 1], unless `far`; None is the scale 7."""
    means = make_means(generator, 1.6 if far else 0.02 if scale is None else 0.1)
    drawn = draw_noise(generator, batch, *means[""].shape).clamp(-1.5, 1.5)
    abar = squared_cosine_alphas_cumprod()[timesteps[i_start]]
    return {
        "means": means,
        "im_noisy": (1 - abar).sqrt() * drawn,
        "i_start": i_start,
        "prompts": [list(prompts) for prompts in other_pair or pair],
        "timesteps": timesteps,
        "scale": scale,
    }
