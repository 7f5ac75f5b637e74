"""Lesson 10: what `hybrid_noise` and `make_hybrids` must do, and how they go wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from scipy import ndimage
from torch import Tensor
from torchvision.transforms import GaussianBlur
from torchvision.transforms.functional import gaussian_blur

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges import all_of, same_answer, same_form, same_values
from checkers.engine.loop_judges import same_noise_added, same_path
from lessons.workbench.noise_schedule import squared_cosine_alphas_cumprod
from probes.call import call_many
from probes.hybrid_images import denoise_quietly, denoise_repeatedly, denoise_to_points
from probes.record import Array
from probes.running import Inputs
from solutions.hybrid_images import hybrid_noise, make_hybrids
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original

WAVE = "a wave"
SKULL = "a skull"
PENCIL = "a pencil"
PROMPTS = ("", WAVE, SKULL, PENCIL)
STD = 0.1
SIDE = 20
UNEVEN_TIMESTEPS = [990, 780, 560, 333, 130, 40, 0]
ATOL = 1e-3  # a Gaussian kernel may end a little earlier, at four standard deviations, say


def _noise(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator)


def _pictures(generator: torch.Generator, count: int, side: int, reach: float) -> Tensor:
    """Random pictures within [-reach, reach] with both low and high frequencies."""
    coarse = torch.rand(count, 3, 4, 4, generator=generator) * 2 - 1
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bilinear")
    fine = torch.rand(count, 3, side, side, generator=generator) * 2 - 1
    return (0.6 * smooth + 0.4 * fine) * reach


# --- hybrid_noise ---------------------------------------------------------------------------------


def _join(generator: torch.Generator, *shape: int, **changed: Tensor | float) -> Inputs:
    call = {"noise_far": _noise(generator, *shape), "noise_near": _noise(generator, *shape)}
    return {**call, **changed}


def _far_inputs(generator: torch.Generator) -> Inputs:
    """Nothing close by: only the low pass of the first is left."""
    nothing = torch.zeros(1, 3, 64, 64)
    return {"calls": [_join(generator, 1, 3, 64, 64, noise_near=nothing)]}


def _near_inputs(generator: torch.Generator) -> Inputs:
    """Nothing from afar: only the high pass of the second is left."""
    nothing = torch.zeros(1, 3, 64, 64)
    return {"calls": [_join(generator, 1, 3, 64, 64, noise_far=nothing)]}


def _same_inputs(generator: torch.Generator) -> Inputs:
    """Twice the same estimate: low and high frequencies add up to all of it."""
    noise = _noise(generator, 1, 3, 64, 64)
    return {"calls": [{"noise_far": noise, "noise_near": noise.clone()}]}


def _filter_inputs(generator: torch.Generator) -> Inputs:
    """Other filters than the default."""
    calls = [
        _join(generator, 2, 3, 48, 48, kernel_size=kernel_size, sigma=sigma)
        for kernel_size, sigma in ((33, 3.5), (9, 1.0), (17, 2.0))
    ]
    return {"calls": calls}


def _join_form_inputs(generator: torch.Generator) -> Inputs:
    """A batch, and double precision."""
    double = {name: x.double() for name, x in _join(generator, 1, 3, 24, 32).items()}
    return {"calls": [_join(generator, 3, 3, 64, 64), double]}


def _filters(inputs: Inputs) -> list[str]:
    return [
        f"kernel_size = {call.get('kernel_size', 33)}, sigma = {call.get('sigma', 2):g}"
        for call in inputs["calls"]
    ]


def _same_form(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """As `same_form`, but a result in single precision is right, with a remark."""
    verdict = same_form()(observed, expected, inputs)
    results = observed.get("result")
    if verdict.passed or not isinstance(results, list) or len(results) != len(inputs["calls"]):
        return verdict
    as_asked = [
        replace(mine, dtype=target.dtype)
        if isinstance(mine, Array) and mine.dtype == "float32"
        else mine
        for mine, target in zip(results, expected["result"], strict=True)
    ]
    verdict = same_form()({**observed, "result": as_asked}, expected, inputs)
    if not verdict.passed:
        return verdict
    return Verdict(
        True,
        "Right. You blur in float32, which is a good idea in half precision. Converting back at "
        "the end, `.to(noise_far.dtype)`, would keep the type that came in.",
    )


HYBRID_NOISE = Exercise(
    reference=hybrid_noise,
    cases=[
        Case(
            "of noise_far, the low frequencies are kept",
            2,
            _far_inputs,
            same_values(
                what="the noise with noise_near = 0", labels=_filters, atol=ATOL, show=True
            ),
            call_many,
        ),
        Case(
            "of noise_near, the high frequencies are kept",
            2,
            _near_inputs,
            same_values(what="the noise with noise_far = 0", labels=_filters, atol=ATOL, show=True),
            call_many,
        ),
        Case(
            "two estimates that agree give back that estimate",
            1,
            _same_inputs,
            same_values(what="the noise", labels=_filters, atol=ATOL, show=True),
            call_many,
        ),
        Case(
            "kernel_size and sigma are used",
            1,
            _filter_inputs,
            same_values(what="the noise", labels=_filters, atol=ATOL, show=True),
            call_many,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _join_form_inputs,
            _same_form,
            call_many,
        ),
    ],
    hints=[
        "`gaussian_blur(e, kernel_size, sigma)` from torchvision is the low pass.",
        "The high pass is what the low pass takes away, with the same filter: "
        "`e - gaussian_blur(e, kernel_size, sigma)`. Which of the two estimates is `e` here?",
        "Low pass of `noise_far` plus high pass of `noise_near`.",
    ],
)


@HYBRID_NOISE.right_answer
def one_blur(noise_far, noise_near, kernel_size=33, sigma=2):
    blur = GaussianBlur((kernel_size, kernel_size), float(sigma))
    return noise_near + blur(noise_far - noise_near)


@HYBRID_NOISE.right_answer
def with_scipy(far, near, k=33, s=2):
    def lowpass(e):
        radius = k // 2
        for axis in (2, 3):
            e = ndimage.gaussian_filter1d(e, s, axis=axis, mode="mirror", radius=radius)
        return e

    return torch.from_numpy(lowpass(far.numpy()) + near.numpy() - lowpass(near.numpy()))


@HYBRID_NOISE.right_answer
def blurred_in_float32(noise_far, noise_near, kernel_size=33, sigma=2):
    far, near = noise_far.float(), noise_near.float()
    low, blurred = (
        gaussian_blur(e, [kernel_size, kernel_size], [sigma, sigma]) for e in (far, near)
    )
    return low + (near - blurred)


@HYBRID_NOISE.right_answer
def by_hand(noise_far, noise_near, kernel_size=33, sigma=2):
    places = torch.arange(kernel_size, dtype=noise_far.dtype) - (kernel_size - 1) / 2
    bell = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (bell[:, None] * bell[None, :] / bell.sum() ** 2)[None, None].repeat(3, 1, 1, 1)

    def low(e):
        padded = torch.nn.functional.pad(e, [kernel_size // 2] * 4, mode="reflect")
        return torch.nn.functional.conv2d(padded, kernel, groups=3)

    return low(noise_far) + (noise_near - low(noise_near))


@HYBRID_NOISE.mistake(
    "It looks as if low and high pass are swapped: the blur belongs to noise_far, and what the "
    "blur takes away to noise_near."
)
def passes_swapped(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_near, kernel_size, sigma)
    return low + noise_far - gaussian_blur(noise_far, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "It looks as if the high pass is zero, as in e - e. The high pass of e is e minus its own low "
    "pass."
)
def high_pass_of_nothing(noise_far, noise_near, kernel_size=33, sigma=2):
    return gaussian_blur(noise_far, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "It looks as if noise_near is added whole. Take its low frequencies away first: "
    "noise_near - lowpass(noise_near)."
)
def near_not_filtered(noise_far, noise_near, kernel_size=33, sigma=2):
    return gaussian_blur(noise_far, kernel_size, sigma) + noise_near


@HYBRID_NOISE.mistake(
    "It looks as if noise_far is used whole. Only its low frequencies count: blur it."
)
def far_not_filtered(noise_far, noise_near, kernel_size=33, sigma=2):
    return noise_far + noise_near - gaussian_blur(noise_near, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "It looks as if both estimates are blurred and added. The near one needs the other half: what "
    "the blur takes away."
)
def both_blurred(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size, sigma)
    return low + gaussian_blur(noise_near, kernel_size, sigma)


@HYBRID_NOISE.mistake(
    "It looks as if the blurred noise_far is subtracted from noise_near. The high pass of "
    "noise_near is noise_near minus its own blur, not minus the other's."
)
def high_pass_against_the_other(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size, sigma)
    return low + noise_near - low


@HYBRID_NOISE.mistake(
    "It looks as if the high pass has the wrong sign, lowpass(e) - e. It is e - lowpass(e)."
)
def high_pass_negative(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size, sigma)
    return low + gaussian_blur(noise_near, kernel_size, sigma) - noise_near


@HYBRID_NOISE.mistake(
    "It looks as if the two parts are averaged. They hold different frequencies and don't overlap: "
    "add them."
)
def halved(noise_far, noise_near, kernel_size=33, sigma=2):
    high = noise_near - gaussian_blur(noise_near, kernel_size, sigma)
    return (gaussian_blur(noise_far, kernel_size, sigma) + high) / 2


@HYBRID_NOISE.mistake(
    "It looks as if the two estimates are averaged without any filter. That gives a mixture, the "
    "same from near and far."
)
def plain_mean(noise_far, noise_near, kernel_size=33, sigma=2):
    return (noise_far + noise_near) / 2


@HYBRID_NOISE.mistake(
    "It looks as if sigma is not passed to gaussian_blur, which then makes one up from the kernel "
    "size (5.3 for 33). Write gaussian_blur(e, kernel_size, sigma)."
)
def sigma_left_out(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, kernel_size)
    return low + noise_near - gaussian_blur(noise_near, kernel_size)


@HYBRID_NOISE.mistake(
    "It looks as if 33 and 2 are written into your function. Use kernel_size and sigma."
)
def filter_fixed(noise_far, noise_near, kernel_size=33, sigma=2):
    low = gaussian_blur(noise_far, 33, 2)
    return low + noise_near - gaussian_blur(noise_near, 33, 2)


@HYBRID_NOISE.mistake(
    "It looks as if the picture is padded with zeros for the blur, which darkens the edges. "
    "torchvision's gaussian_blur mirrors the picture at its edges."
)
def padded_with_zeros(noise_far, noise_near, kernel_size=33, sigma=2):
    places = torch.arange(kernel_size, dtype=noise_far.dtype) - (kernel_size - 1) / 2
    bell = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (bell[:, None] * bell[None, :] / bell.sum() ** 2)[None, None].repeat(3, 1, 1, 1)
    low, near = (
        torch.nn.functional.conv2d(e, kernel, padding=kernel_size // 2, groups=3)
        for e in (noise_far, noise_near)
    )
    return low + noise_near - near


# --- make_hybrids ---------------------------------------------------------------------------------


def _means(generator: torch.Generator, reach: float) -> dict[str, Tensor]:
    return dict(zip(PROMPTS, _pictures(generator, len(PROMPTS), SIDE, reach), strict=True))


def _quiet_call(
    generator: torch.Generator,
    i_start: int,
    timesteps: list[int],
    far: tuple[str, ...] = (WAVE,),
    near: tuple[str, ...] = (SKULL,),
    batch: int = 1,
    scale: float = 2.0,
    reach: float = 0.1,
) -> Inputs:
    """A run in which all estimates of x_0 lie within [-1, 1], if `reach` is small."""
    abar = squared_cosine_alphas_cumprod()[timesteps[i_start]]
    noise = _noise(generator, batch, 3, SIDE, SIDE).clamp(-1.5, 1.5)
    return {
        "means": _means(generator, reach),
        "im_noisy": (1 - abar).sqrt() * noise,
        "i_start": i_start,
        "prompts": [list(far), list(near)],
        "timesteps": timesteps,
        "scale": scale,
    }


def _one_step_inputs(generator: torch.Generator) -> Inputs:
    steps = ([690, 660], [400, 250], [60, 30])
    return {"std": STD, "calls": [_quiet_call(generator, 0, step) for step in steps]}


def _loop_inputs(generator: torch.Generator) -> Inputs:
    """From the beginning and from later, a list that ends early; one far from [-1, 1]."""
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 2, list(range(990, -1, -165))),
            _quiet_call(generator, 0, UNEVEN_TIMESTEPS[:4]),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
        "far": _quiet_call(generator, 2, UNEVEN_TIMESTEPS, reach=1.6),
    }


def _prompt_inputs(generator: torch.Generator) -> Inputs:
    """Guidance of 1 and of 3; a pair for each picture of a batch, and one for all of them."""
    return {
        "std": STD,
        "calls": [
            _quiet_call(
                generator, 2, UNEVEN_TIMESTEPS, (PENCIL, WAVE), (WAVE, SKULL), 2, scale=1.0
            ),
            _quiet_call(generator, 3, UNEVEN_TIMESTEPS, (SKULL,), (PENCIL,), 3, scale=3.0),
        ],
    }


def _added_inputs(generator: torch.Generator) -> Inputs:
    return {
        "std": STD,
        "calls": [
            _quiet_call(generator, 3, list(range(990, -1, -165))),
            _quiet_call(generator, 2, [900, 640, 333, 77, 12]),
        ],
    }


def _point_inputs(generator: torch.Generator) -> Inputs:
    """Each prompt has one picture: from pure noise, the plain hybrid of both must come out."""
    return {
        "points": _means(generator, 0.7),
        "im_noisy": _noise(generator, 1, 3, SIDE, SIDE),
        "i_start": 0,
        "prompts": [[WAVE], [SKULL]],
        "timesteps": UNEVEN_TIMESTEPS,
        "scale": 1.0,
    }


def _repeat_inputs(generator: torch.Generator) -> Inputs:
    seed = int(torch.randint(1, 10**6, (), generator=generator))
    return {**_quiet_call(generator, 2, UNEVEN_TIMESTEPS), "std": STD, "seed": seed}


def _loop_form_inputs(generator: torch.Generator) -> Inputs:
    """Batches, in single and double precision."""
    double = _quiet_call(generator, 4, UNEVEN_TIMESTEPS)
    double["im_noisy"] = double["im_noisy"].double()
    return {"std": STD, "calls": [_quiet_call(generator, 3, UNEVEN_TIMESTEPS, batch=3), double]}


MAKE_HYBRIDS = Exercise(
    reference=make_hybrids,
    cases=[
        Case(
            "one step lands on the posterior mean, if no noise is added",
            2,
            _one_step_inputs,
            same_path(what="x_t_prev"),
            denoise_quietly,
        ),
        Case(
            "the loop goes from timesteps[i_start] to the end of the list",
            2,
            _loop_inputs,
            same_path(what="the last picture"),
            denoise_quietly,
        ),
        Case(
            "prompts and guidance are passed on; batches work",
            1,
            _prompt_inputs,
            same_path(what="the last picture"),
            denoise_quietly,
        ),
        Case(
            "add_variance gets t, t_prev and the estimate's variance, once in every step",
            2,
            _added_inputs,
            same_noise_added(),
            denoise_quietly,
        ),
        Case(
            "where each prompt has one picture, their plain hybrid comes out",
            1,
            _point_inputs,
            same_values(what="the last picture", atol=0.06, show=True),
            denoise_to_points,
        ),
        Case(
            "the loop starts from im_noisy, and the generator draws the noise",
            1,
            _repeat_inputs,
            all_of(
                same_answer(
                    "same_seed",
                    says="Two runs with generators of the same seed give different pictures: pass "
                    "`generator` on to add_variance.",
                ),
                same_answer(
                    "unseeded",
                    says="Two runs without a generator give the same picture: new noise should be "
                    "drawn in every run.",
                ),
                same_answer(
                    "any_start",
                    says="Another im_noisy gives the very same picture: the loop has to start from "
                    "im_noisy.",
                ),
            ),
            denoise_repeatedly,
        ),
        Case(
            "shape, dtype and device are kept, and no input is changed",
            1,
            _loop_form_inputs,
            same_form(),
            denoise_quietly,
        ),
    ],
    hints=[
        "It is the loop of lesson 06 with three estimates in every step: without a prompt, with "
        "the far one, with the near one.",
        "Guide both, then join them: `hybrid_noise(guide(noise_uncond, noise_far, scale), "
        "guide(noise_uncond, noise_near, scale))`.",
        "From there it goes on as always: predict_original, posterior_mean, add_variance. Only the "
        "noise is filtered, neither x_t nor the variance.",
    ],
)


def _hybrid(far: Tensor, near: Tensor) -> Tensor:
    return gaussian_blur(far, 33, 2.0) + near - gaussian_blur(near, 33, 2.0)


def _guided(
    denoiser: Any, x: Tensor, t: Any, embeds: Tensor, uncond: Tensor, scale: float
) -> Tensor:
    """One prompt's guided estimate, for the answers below."""
    noise_uncond = denoiser(x, t, uncond).noise
    return noise_uncond + scale * (denoiser(x, t, embeds).noise - noise_uncond)


def _both(
    denoiser: Any, x: Tensor, t: Any, far: Tensor, near: Tensor, uncond: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """The right estimate, for the loops below."""
    noise_far = _guided(denoiser, x, t, far, uncond, scale)
    noise_near = _guided(denoiser, x, t, near, uncond, scale)
    return _hybrid(noise_far, noise_near), denoiser(x, t, far).variance


@MAKE_HYBRIDS.right_answer
def guided_after_joining(d, x, i_start, far, near, uncond, steps, gamma=7, generator=None):
    abar = d.alphas_cumprod
    for t, t_prev in pairwise(steps[i_start:]):
        u, first, second = d(x, t, uncond), d(x, t, far), d(x, t, near)
        noise = u.noise + gamma * (_hybrid(first.noise, second.noise) - u.noise)
        variance = (first.variance + second.variance) / 2
        alpha = (abar[t] / abar[t_prev]).to(x.dtype)
        mean = (x - (1 - alpha) / (1 - abar[t]).to(x.dtype).sqrt() * noise) / alpha.sqrt()
        x = d.add_variance(mean, variance, t=t, t_prev=t_prev, generator=generator)
    return x


@MAKE_HYBRIDS.right_answer
def clamped_and_quiet_at_the_end(d, x, i, far, near, uncond, steps, scale=7, rng=None):
    def guided(embeds):
        n = len(x)
        rows = torch.cat([one.expand(n, *one.shape[1:]) for one in (uncond, embeds)])
        estimate = d(torch.cat([x] * 2), steps[i], rows)
        return (1 - scale) * estimate.noise[:n] + scale * estimate.noise[n:], estimate.variance[n:]

    with torch.no_grad():
        while i + 1 < len(steps):
            (noise_far, _), (noise_near, variance) = guided(far), guided(near)
            noise = _hybrid(noise_far, noise_near)
            clean = predict_original(x, steps[i], noise, d.alphas_cumprod).clamp(-1, 1)
            x = posterior_mean(x, clean, steps[i], steps[i + 1], d.alphas_cumprod)
            if steps[i + 1] > 0:
                x = d.add_variance(x, variance, steps[i], steps[i + 1], rng)
            i += 1
    return x


@MAKE_HYBRIDS.right_answer
def pictures_joined_in_every_step(d, x, i_start, far, near, uncond, steps, scale=7, rng=None):
    for t, t_prev in pairwise(steps[i_start:]):
        x_0 = [
            predict_original(x, t, _guided(d, x, t, embeds, uncond, scale), d.alphas_cumprod)
            for embeds in (far, near)
        ]
        mean = posterior_mean(x, _hybrid(*x_0), t, t_prev, d.alphas_cumprod)
        x = d.add_variance(mean, d(x, t, near).variance, t, t_prev, rng)
    return x


def _loop(
    denoiser,
    x,
    steps,
    far,
    near,
    uncond,
    scale,
    generator,
    estimate=_both,
    mean=posterior_mean,
):
    """The right loop over pairs of timesteps, with a part exchanged."""
    for t, t_prev in steps:
        noise, variance = estimate(denoiser, x, t, far, near, uncond, scale)
        x_0 = predict_original(x, t, noise, denoiser.alphas_cumprod)
        x = mean(x, x_0, t, t_prev, denoiser.alphas_cumprod)
        x = denoiser.add_variance(x, variance, t, t_prev, generator)
    return x


def _pairs(timesteps, i_start):
    return list(pairwise(timesteps[i_start:]))


@MAKE_HYBRIDS.mistake(
    "It looks as if the far and the near prompt changed places: the first one's estimate gets the "
    "low pass."
)
def roles_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), near, far, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if there is no guidance: the prompts' estimates are joined as they are. Guide "
    "each of them first."
)
def not_guided(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, 1.0, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if only the far prompt's estimate is guided. The near one needs guidance too."
)
def only_far_guided(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        near_estimate = denoiser(x, t, near)
        noise = _hybrid(_guided(denoiser, x, t, far, uncond, scale), near_estimate.noise)
        return noise, near_estimate.variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "It looks as if the scale is fixed at 7 inside your function. Use the argument `scale`."
)
def scale_fixed(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, 7, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if the arguments of guide changed places: guide(noise_uncond, noise_cond, scale)."
)
def guide_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, 1 - scale, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if guidance starts from the prompt's estimate, cond + scale (cond - uncond). It "
    "starts from the other one: uncond + scale (cond - uncond)."
)
def guided_from_the_prompt(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale + 1, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if the variance is blurred as well. The filter is for the noise; pass the "
    "variance on as the denoiser gave it."
)
def variance_blurred(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        noise, variance = _both(denoiser, x, t, far, near, uncond, scale)
        return noise, gaussian_blur(variance, 33, 2.0)

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "It looks as if the variance comes from the estimate without a prompt. Take it from a prompt's "
    "estimate."
)
def variance_without_a_prompt(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        noise, _ = _both(denoiser, x, t, far, near, uncond, scale)
        return noise, denoiser(x, t, uncond).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "It looks as if the picture is blurred, not the estimate: the far prompt is shown a blurred "
    "x_t. Show both prompts x_t as it is and filter what comes out."
)
def picture_blurred(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        low = gaussian_blur(x, 33, 2.0)
        noise_far = _guided(denoiser, low, t, far, uncond, scale)
        noise_near = _guided(denoiser, x - low, t, near, uncond, scale)
        return noise_far + noise_near, denoiser(x, t, far).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "It looks as if the two estimates are averaged without a filter. Join them with hybrid_noise; "
    "does yours pass its own check?"
)
def estimates_averaged(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        noise_far = _guided(denoiser, x, t, far, uncond, scale)
        noise_near = _guided(denoiser, x, t, near, uncond, scale)
        return (noise_far + noise_near) / 2, denoiser(x, t, far).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "It looks as if two pictures are made one by one and joined at the end. Then neither prompt "
    "knows of the other: join the two estimates of the noise in every step."
)
def joined_at_the_end(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    made = [
        _loop(d, x, _pairs(steps, i_start), embeds, embeds, uncond, scale, generator)
        for embeds in (far, near)
    ]
    return _hybrid(*made)


@MAKE_HYBRIDS.mistake(
    "It looks as if the near prompt's estimate is added unfiltered to the far one's low pass. Does "
    "your hybrid_noise pass its own check?"
)
def near_added_whole(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def estimate(denoiser, x, t, far, near, uncond, scale):
        low = gaussian_blur(_guided(denoiser, x, t, far, uncond, scale), 33, 2.0)
        noise = low + _guided(denoiser, x, t, near, uncond, scale)
        return noise, denoiser(x, t, far).variance

    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, generator, estimate)


@MAKE_HYBRIDS.mistake(
    "It looks as if the loop takes one step too few and stops before timesteps[-1]. There is a "
    "step for every pair of neighbours: range(i_start, len(timesteps) - 1)."
)
def one_step_too_few(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start)[:-1], far, near, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if the loop starts one timestep too late. im_noisy has the noise of "
    "timesteps[i_start]; the first step starts there."
)
def starts_one_late(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start + 1), far, near, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if i_start is ignored and the loop always begins with timesteps[0]. im_noisy has "
    "the noise of timesteps[i_start]."
)
def start_ignored(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, 0), far, near, uncond, scale, generator)


@MAKE_HYBRIDS.mistake(
    "It looks as if no noise is added. After posterior_mean, call denoiser.add_variance and go on "
    "with what it returns."
)
def no_noise_added(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    for t, t_prev in _pairs(steps, i_start):
        noise, _ = _both(d, x, t, far, near, uncond, scale)
        x_0 = predict_original(x, t, noise, d.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, d.alphas_cumprod)
    return x


@MAKE_HYBRIDS.mistake(
    "It looks as if add_variance got t_prev before t. The order is add_variance(mean, variance, "
    "t, t_prev), the noisier timestep first."
)
def noise_with_timesteps_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    for t, t_prev in _pairs(steps, i_start):
        noise, variance = _both(d, x, t, far, near, uncond, scale)
        x_0 = predict_original(x, t, noise, d.alphas_cumprod)
        x = posterior_mean(x, x_0, t, t_prev, d.alphas_cumprod)
        x = d.add_variance(x, variance, t_prev, t, generator)
    return x


@MAKE_HYBRIDS.mistake("It looks as if posterior_mean got t_prev, t instead of t, t_prev.")
def mean_with_timesteps_swapped(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    def mean(x_t, x_0, t, t_prev, abar):
        return posterior_mean(x_t, x_0, t_prev, t, abar)

    pairs = _pairs(steps, i_start)
    return _loop(d, x, pairs, far, near, uncond, scale, generator, mean=mean)


@MAKE_HYBRIDS.mistake(
    "It looks as if the estimate of the noise is used where x_0 belongs. Turn it into x_0 first, "
    "with predict_original."
)
def noise_for_x_0(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    for t, t_prev in _pairs(steps, i_start):
        noise, variance = _both(d, x, t, far, near, uncond, scale)
        x = posterior_mean(x, noise, t, t_prev, d.alphas_cumprod)
        x = d.add_variance(x, variance, t, t_prev, generator)
    return x


@MAKE_HYBRIDS.mistake(
    "It looks as if `generator` is not passed on to add_variance, which then draws from torch's "
    "global generator."
)
def generator_ignored(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    return _loop(d, x, _pairs(steps, i_start), far, near, uncond, scale, None)


@MAKE_HYBRIDS.mistake(
    "It looks as if the loop starts from new noise. It should start from im_noisy."
)
def starts_from_new_noise(d, x, i_start, far, near, uncond, steps, scale=7, generator=None):
    fresh = torch.randn(x.shape, generator=generator).to(x)
    return _loop(d, fresh, _pairs(steps, i_start), far, near, uncond, scale, generator)


EXERCISES = [HYBRID_NOISE, MAKE_HYBRIDS]
