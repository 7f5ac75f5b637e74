"""Lesson 03: wrong versions that people write; each must fail and be told by its sentence."""

from __future__ import annotations

from torch import Tensor

from checkers.one_step_denoising.exercises import ONE_STEP_DENOISE, PREDICT_ORIGINAL
from lessons.workbench.denoisers import squared_cosine_alphas_cumprod

# --- predict_original -----------------------------------------------------------------------------


@PREDICT_ORIGINAL.mistake(
    "you subtract the noise but do not divide by sqrt(abar_t). The forward process "
    "made the picture weaker; the division makes it as strong as it was."
)
def not_divided(x_t, t, noise_estimate, alphas_cumprod):
    return x_t - (1 - alphas_cumprod[t]).sqrt() * noise_estimate


@PREDICT_ORIGINAL.mistake(
    "you divide by abar_t. The picture was multiplied by its square root, "
    "sqrt(abar_t), so that is what to divide by."
)
def divided_by_abar(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return (x_t - (1 - abar).sqrt() * noise_estimate) / abar


@PREDICT_ORIGINAL.mistake(
    "you multiply by sqrt(abar_t) at the end. The forward process did that; to undo it, divide."
)
def multiplied_at_the_end(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return (x_t - (1 - abar).sqrt() * noise_estimate) * abar.sqrt()


@PREDICT_ORIGINAL.mistake("you add the noise. It is in x_t already; to get rid of it, subtract.")
def noise_added(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return (x_t + (1 - abar).sqrt() * noise_estimate) / abar.sqrt()


@PREDICT_ORIGINAL.mistake(
    "the brackets are missing: you divide only the noise by sqrt(abar_t). The "
    "division is for the whole difference, (x_t - ...) / sqrt(abar_t)."
)
def brackets_left_out(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return x_t - (1 - abar).sqrt() * noise_estimate / abar.sqrt()


@PREDICT_ORIGINAL.mistake(
    "you divide x_t by sqrt(abar_t) and then subtract the noise undivided. The "
    "division is for the whole difference, (x_t - ...) / sqrt(abar_t)."
)
def only_the_picture_divided(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return x_t / abar.sqrt() - (1 - abar).sqrt() * noise_estimate


@PREDICT_ORIGINAL.mistake(
    "you subtract 1 - abar_t times the noise. abar_t counts variance; what "
    "multiplies the noise is a standard deviation, sqrt(1 - abar_t)."
)
def variance_for_deviation(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return (x_t - (1 - abar) * noise_estimate) / abar.sqrt()


@PREDICT_ORIGINAL.mistake(
    "both square roots are missing. The equation has sqrt(1 - abar_t) in front of "
    "the noise and sqrt(abar_t) below."
)
def no_roots(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return (x_t - (1 - abar) * noise_estimate) / abar


@PREDICT_ORIGINAL.mistake(
    "you subtract the noise at its full strength. In x_t it is weaker: its factor "
    "is sqrt(1 - abar_t)."
)
def noise_at_full_strength(x_t, t, noise_estimate, alphas_cumprod):
    return (x_t - noise_estimate) / alphas_cumprod[t].sqrt()


@PREDICT_ORIGINAL.mistake(
    "the two factors changed places: sqrt(1 - abar_t) belongs to the noise, and "
    "sqrt(abar_t) is what you divide by."
)
def factors_swapped(x_t, t, noise_estimate, alphas_cumprod):
    abar = alphas_cumprod[t]
    return (x_t - abar.sqrt() * noise_estimate) / (1 - abar).sqrt()


@PREDICT_ORIGINAL.mistake(
    "you used alpha_t = abar_t / abar_(t-1), the factor of a single step. You go "
    "from t to 0 at once, and for that the equation has abar_t itself."
)
def alpha_of_one_step(x_t, t, noise_estimate, alphas_cumprod):
    alpha = alphas_cumprod[t] / alphas_cumprod[t - 1]
    return (x_t - (1 - alpha).sqrt() * noise_estimate) / alpha.sqrt()


# --- one_step_denoise -----------------------------------------------------------------------------


def _solved(x_t: Tensor, t: int | Tensor, noise: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """The estimate of x_0, for the answers below."""
    abar = alphas_cumprod[t].to(x_t.dtype)
    return (x_t - (1 - abar).sqrt() * noise) / abar.sqrt()


@ONE_STEP_DENOISE.mistake(
    "you return the denoiser's estimate of the noise. The picture is what is left "
    "when it is taken out: predict_original(x_t, t, estimate.noise, denoiser.alphas_cumprod)."
)
def noise_itself(denoiser, x_t, t, prompt_embeds):
    return denoiser(x_t, t, prompt_embeds).noise


@ONE_STEP_DENOISE.mistake(
    "you return x_t minus the noise estimate. The noise in x_t has the factor "
    "sqrt(1 - abar_t), and the picture has become weaker: predict_original minds both."
)
def noise_subtracted_as_it_is(denoiser, x_t, t, prompt_embeds):
    return x_t - denoiser(x_t, t, prompt_embeds).noise


@ONE_STEP_DENOISE.mistake(
    "you took the second part of the estimate, which is the variance. The noise is "
    "the first: `estimate.noise`."
)
def variance_for_noise(denoiser, x_t, t, prompt_embeds):
    estimate = denoiser(x_t, t, prompt_embeds)
    return _solved(x_t, t, estimate.variance, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "the noise is subtracted with the right strength, but the result is not divided "
    "by sqrt(abar_t). Does your predict_original pass its own check?"
)
def picture_left_weak(denoiser, x_t, t, prompt_embeds):
    abar = denoiser.alphas_cumprod[t].to(x_t.dtype)
    return x_t - (1 - abar).sqrt() * denoiser(x_t, t, prompt_embeds).noise


@ONE_STEP_DENOISE.mistake(
    "the noise is added, not subtracted. Does your predict_original pass its own check?"
)
def noise_added_again(denoiser, x_t, t, prompt_embeds):
    noise = denoiser(x_t, t, prompt_embeds).noise
    return _solved(x_t, t, -noise, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "the denoiser gets the empty prompt. Pass on the `prompt_embeds` that your function was given."
)
def empty_prompt(denoiser, x_t, t, prompt_embeds):
    noise = denoiser(x_t, t, denoiser.embed("")).noise
    return _solved(x_t, t, noise, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "the prompt is fixed at 'a high quality photo' inside your function. Pass on "
    "the `prompt_embeds` that it was given."
)
def prompt_fixed(denoiser, x_t, t, prompt_embeds):
    noise = denoiser(x_t, t, denoiser.embed("a high quality photo")).noise
    return _solved(x_t, t, noise, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "you ask the denoiser about t - 1. It has to know how noisy x_t is, and that is t itself."
)
def one_timestep_early(denoiser, x_t, t, prompt_embeds):
    noise = denoiser(x_t, t - 1, prompt_embeds).noise
    return _solved(x_t, t, noise, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "you ask the denoiser about timestep 0, at which there is hardly any noise. It "
    "has to know how noisy x_t is: pass t."
)
def asked_about_zero(denoiser, x_t, t, prompt_embeds):
    noise = denoiser(x_t, 0, prompt_embeds).noise
    return _solved(x_t, t, noise, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "you make x_t stronger (divide it by sqrt(abar_t)) before you show it to the "
    "denoiser. It expects x_t as forward made it; the division comes afterwards."
)
def strengthened_first(denoiser, x_t, t, prompt_embeds):
    abar = denoiser.alphas_cumprod[t].to(x_t.dtype)
    noise = denoiser(x_t / abar.sqrt(), t, prompt_embeds).noise
    return _solved(x_t, t, noise, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "you clamp x_t to [-1, 1] before you show it to the denoiser. Its noise is then "
    "no longer normal. Pass x_t as it is."
)
def clamped_first(denoiser, x_t, t, prompt_embeds):
    noise = denoiser(x_t.clamp(-1, 1), t, prompt_embeds).noise
    return _solved(x_t, t, noise, denoiser.alphas_cumprod)


@ONE_STEP_DENOISE.mistake(
    "you denoise twice: the result of the first step goes through the denoiser "
    "again. One step is one question. (Many steps are lesson 04, and go another way.)"
)
def denoised_twice(denoiser, x_t, t, prompt_embeds):
    for _ in range(2):
        noise = denoiser(x_t, t, prompt_embeds).noise
        x_t = _solved(x_t, t, noise, denoiser.alphas_cumprod)
    return x_t


@ONE_STEP_DENOISE.mistake(
    "you use a schedule of your own. The one to use belongs to the denoiser: "
    "`denoiser.alphas_cumprod`."
)
def schedule_of_your_own(denoiser, x_t, t, prompt_embeds):
    noise = denoiser(x_t, t, prompt_embeds).noise
    return _solved(x_t, t, noise, squared_cosine_alphas_cumprod(1000))
