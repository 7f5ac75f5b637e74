"""The shipped atlas behind `load_denoiser`: the course's prompts, the cache, repeatable samples."""

import pytest
import torch

from lessons.workbench.denoisers import generate, load_denoiser, loading

COURSE_PROMPTS = {
    "an oil painting of a snowy mountain village": "snowy mountain village",
    "a photo of the amalfi coast": "amalfi coast",
    "a photo of a man": "man",
    "a photo of a hipster barista": "hipster barista",
    "a photo of a dog": "dog",
    "an oil painting of people around a campfire": "people around a campfire",
    "an oil painting of an old man": "old man",
    "a lithograph of waterfalls": "waterfalls",
    "a lithograph of a skull": "skull",
    "a man wearing a hat": "man wearing a hat",
    "a rocket ship": "rocket ship",
    "a pencil": "pencil",
}


@pytest.fixture(scope="module")
def denoiser():
    return load_denoiser("atlas", device="cpu")


def test_a_second_call_is_free(denoiser):
    assert load_denoiser("atlas", device="cpu") is denoiser
    assert load_denoiser(device="cpu", prompt_softness=0.0) is not denoiser


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_choice_is_none(denoiser, monkeypatch, empty):
    monkeypatch.setenv("DIFFUSION_DENOISER", empty)
    assert load_denoiser(device="cpu") is denoiser


def test_an_empty_model_is_none(monkeypatch):
    """What follows is what DeepFloyd needs from the hub, not a complaint about a folder."""
    seen = []
    monkeypatch.setattr(loading, "_load", lambda *asked: seen.append(asked))
    monkeypatch.setenv("DIFFUSION_DENOISER", "deepfloyd")
    for value in ("", " ", "/copies/IF-I"):
        monkeypatch.setenv("DIFFUSION_DEEPFLOYD", value)
        load_denoiser(device="cpu")
    nothing = ("deepfloyd", "cpu", ())
    assert seen == [nothing, nothing, ("deepfloyd", "cpu", (("model", "/copies/IF-I"),))]


@pytest.mark.parametrize(("prompt", "subject"), COURSE_PROMPTS.items())
@pytest.mark.filterwarnings("error::lessons.workbench.denoisers.PromptNotice")
def test_the_courses_prompts_are_known_in_full(denoiser, prompt, subject):
    assert denoiser.asked(prompt)[0] == subject
    kept = torch.isfinite(denoiser.embed(prompt))
    assert 0 < kept.sum() <= 300


def test_the_empty_prompt_and_a_bare_style_keep_every_picture(denoiser):
    kept = torch.isfinite(denoiser.embed(["", "a high quality photo"]))
    assert kept.all() and kept.shape == (2, len(denoiser.atlas.pictures))
    assert denoiser.asked("") == denoiser.asked("a high quality photo") == []


def test_a_sample_is_repeatable_and_in_range(denoiser):
    first, second, other = (
        generate(denoiser, "a photo of a dog", 6, guidance_scale=1.0, generator=seed)
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, second)
    assert first.shape == (1, 3, 64, 64) and first.abs().max() < 1.2
    assert not torch.equal(first, other)
