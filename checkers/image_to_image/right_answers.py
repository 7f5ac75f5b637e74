"""Lesson 07: other right answers, in other styles; each must pass."""

from __future__ import annotations

import numpy as np
import torch

from checkers.image_to_image.exercises import EDIT
from solutions.classifier_free_guidance import guide, iterative_denoise_cfg
from solutions.forward_noising import forward
from solutions.iterative_denoising import posterior_mean
from solutions.one_step_denoising import predict_original


def _draw(im, generator):
    drawn_on = im.device if generator is None else generator.device
    return torch.randn(im.shape, generator=generator, device=drawn_on).to(im.device, im.dtype)


def _denoised(denoiser, x_t, i_start, cond, uncond, timesteps, scale, generator):
    """The guided loop, written out, with one call for each estimate."""
    abar = denoiser.alphas_cumprod
    for t, t_prev in zip(timesteps[i_start:], timesteps[i_start + 1 :], strict=False):
        with_prompt, without = denoiser(x_t, t, cond), denoiser(x_t, t, uncond)
        noise = guide(without.noise, with_prompt.noise, scale)
        x_0 = predict_original(x_t, t, noise, abar).clamp(-1, 1)
        mean = posterior_mean(x_t, x_0, t, t_prev, abar)
        x_t = denoiser.add_variance(mean, with_prompt.variance, t, t_prev, generator)
    return x_t


@EDIT.right_answer
def with_a_loop_of_its_own(
    denoiser,
    im,
    i_start,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    abar = denoiser.alphas_cumprod[timesteps[i_start]].to(im.dtype)
    x_t = abar**0.5 * im + (1 - abar) ** 0.5 * _draw(im, generator)
    embeds = prompt_embeds, uncond_prompt_embeds
    return _denoised(denoiser, x_t, i_start, *embeds, timesteps, scale, generator)


@EDIT.right_answer
def from_the_start_of_a_shorter_list(
    model, picture, start, cond, uncond, steps, gamma=7, generator=None
):
    steps = steps[start:]
    noise = _draw(picture, generator)
    noisy = forward(picture, torch.tensor(steps[0]), model.alphas_cumprod, noise=noise)
    return iterative_denoise_cfg(
        model, noisy, 0, cond, uncond, steps, scale=gamma, generator=generator
    )


@EDIT.right_answer
def one_picture_at_a_time(
    denoiser,
    im,
    i_start,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    cond = prompt_embeds.expand(len(im), *prompt_embeds.shape[1:])
    done = []
    for k in range(len(im)):
        one, prompt = im[k : k + 1], cond[k : k + 1]
        noisy = forward(one, timesteps[i_start], denoiser.alphas_cumprod, _draw(one, generator))
        done.append(
            iterative_denoise_cfg(
                denoiser, noisy, i_start, prompt, uncond_prompt_embeds, timesteps, scale, generator
            )
        )
    return torch.cat(done)


@EDIT.right_answer
def noised_with_numpy(
    denoiser,
    im,
    i_start,
    prompt_embeds,
    uncond_prompt_embeds,
    timesteps,
    scale=7,
    generator=None,
):
    abar = float(denoiser.alphas_cumprod[timesteps[i_start]])
    noisy = np.sqrt(abar) * im.numpy() + np.sqrt(1 - abar) * _draw(im, generator).numpy()
    noisy = torch.from_numpy(noisy.astype(im.numpy().dtype))
    return iterative_denoise_cfg(
        denoiser,
        noisy,
        i_start,
        prompt_embeds,
        uncond_prompt_embeds,
        timesteps,
        scale,
        generator,
    )


@EDIT.right_answer
def with_a_generator_of_its_own_that_the_given_one_seeds(
    denoiser, im, i_start, cond, uncond, timesteps, scale=7, generator=None
):
    seed = int(torch.randint(2**31, (), generator=generator))
    own = torch.Generator().manual_seed(seed)
    noise = torch.stack([_draw(picture, own) for picture in im])
    noisy = forward(im, timesteps[i_start], denoiser.alphas_cumprod, noise)
    return iterative_denoise_cfg(denoiser, noisy, i_start, cond, uncond, timesteps, scale, own)
