"""The trained networks that ship with the course load, are small, and do as their lessons say."""

import json
import os

import pytest
import torch

from lessons.workbench.denoisers import spaced_timesteps
from lessons.workbench.training import (
    held_out,
    load_captioned_pictures,
    load_digit_classifier,
    read_as,
    share_read_as,
)
from lessons.workbench.training.captions import for_validation
from lessons.workbench.training.mnist import ROOT_VARIABLE, load_digits
from solutions import (
    OwnDenoiser,
    class_ddpm_sample,
    class_flow_sample,
    ddim_sample,
    ddpm_schedule,
)
from solutions.trained import (
    MEASURED,
    NAMES,
    OWN_WORDS,
    WEIGHTS,
    TrainedModelError,
    load_measurements,
    load_own_words,
    load_trained,
    load_words_measured,
)

LABELS = torch.arange(20) % 10


def arguments(name: str) -> tuple[torch.Tensor, ...]:
    x, t, c = torch.rand(2, 1, 28, 28), torch.rand(2), torch.eye(10)[:2]
    return {"denoiser": (x,), "ddpm": (x, t), "flow": (x, t)}.get(name, (x, t, c))


@pytest.mark.parametrize("name", NAMES)
def test_each_network_loads_ready_to_sample(name):
    network = load_trained(name)
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    assert all(p.dtype == torch.float32 for p in network.parameters())
    assert network(*arguments(name)).shape == (2, 1, 28, 28)


def test_all_weights_together_are_small():
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= 25e6


def test_the_flow_draws_the_digits_asked_for():
    torch.manual_seed(0)
    images = class_flow_sample(load_trained("class_flow"), LABELS, 20)
    assert share_read_as(load_digit_classifier(), images, LABELS) >= 0.85


def test_ddpm_draws_the_digits_asked_for():
    torch.manual_seed(0)
    images = class_ddpm_sample(load_trained("class_ddpm"), LABELS, ddpm_schedule())
    assert share_read_as(load_digit_classifier(), images, LABELS) >= 0.85


@pytest.mark.skipif(not os.environ.get(ROOT_VARIABLE), reason=f"{ROOT_VARIABLE} is not set")
def test_the_denoiser_takes_most_of_the_noise_away():
    clean = load_digits(train=False).images[:50]
    noisy = clean + 0.5 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    left = (load_trained("denoiser")(noisy) - clean).square().mean()
    assert left < (noisy - clean).square().mean() / 10


@pytest.mark.parametrize("name", ["class_ddpm", "class_flow"])
def test_the_measurements_cover_epochs_guidance_and_steps(name):
    facts = load_measurements()[name]
    for table in ("by_epoch", "by_guidance", "by_steps"):
        assert len(facts[table]) >= 4
        for row in facts[table]:
            assert 0 <= row["read"] <= 1
            assert row["distance"] > 0
    assert [row["x"] for row in facts["by_epoch"]] == list(range(1, facts["epochs"] + 1))


def test_what_is_missing_damaged_or_unknown_is_said_in_a_sentence(tmp_path):
    with pytest.raises(TrainedModelError, match="no network 'gan'; choose"):
        load_trained("gan")
    with pytest.raises(TrainedModelError, match=r"flow\.safetensors is missing"):
        load_trained("flow", folder=tmp_path)
    (tmp_path / "flow.safetensors").write_bytes(b"not weights")
    with pytest.raises(TrainedModelError, match="damaged"):
        load_trained("flow", folder=tmp_path)
    (tmp_path / "flow.safetensors").write_bytes((WEIGHTS / "ddpm.safetensors").read_bytes()[:5000])
    with pytest.raises(TrainedModelError, match="damaged"):
        load_trained("flow", folder=tmp_path)
    (tmp_path / "flow.safetensors").write_bytes((WEIGHTS / "denoiser.safetensors").read_bytes())
    with pytest.raises(TrainedModelError, match="holds another network"):
        load_trained("flow", folder=tmp_path)
    with pytest.raises(TrainedModelError, match="missing"):
        load_measurements(tmp_path)
    (tmp_path / MEASURED).write_text(json.dumps({})[:1])
    with pytest.raises(TrainedModelError, match="damaged"):
        load_measurements(tmp_path)


def test_the_network_of_words_draws_what_is_asked_for_and_knows_every_word():
    own = OwnDenoiser(*load_own_words())
    everything = load_captioned_pictures()
    shown = everything.chosen(~held_out(everything))
    assert all(own.embed(shown.captions).max(dim=1).values > 0)
    some = torch.zeros(len(shown.captions), dtype=torch.bool)
    some[:: len(some) // 8] = True
    asked = shown.chosen(some)
    start = torch.randn(len(asked.captions), 3, 64, 64, generator=torch.Generator().manual_seed(0))
    steps = spaced_timesteps(10)
    drawn = ddim_sample(own, start, 0, own.embed(asked.captions), own.embed(""), steps, 2)
    assert read_as(drawn, asked, everything)["both"] >= 0.85


def test_what_was_measured_of_the_network_of_words_is_what_its_lesson_says():
    measured = load_words_measured()
    assert measured["num_hiddens"] == 64
    everything = load_captioned_pictures()
    never, judged = held_out(everything), for_validation(everything)
    assert not (never & judged).any()
    assert measured["pictures"] == int((~never & ~judged).sum())
    rows = measured["read_as_asked"]
    assert max(row["shown"]["both"] for row in rows) >= 0.95
    chosen = max(rows, key=lambda row: row["validation"]["both"])
    assert min(chosen["validation"]["both"], chosen["never_shown"]["both"]) >= 0.85
    for row in rows:
        for part in (row["shown"], row["never_shown"], row["validation"]):
            assert 0 <= part["both"] <= min(part["subject"], part["style"]) <= 1


def test_words_that_are_missing_or_damaged_are_said_in_a_sentence(tmp_path):
    with pytest.raises(TrainedModelError, match=r"own_words\.safetensors is missing"):
        load_own_words(folder=tmp_path)
    with pytest.raises(TrainedModelError, match=r"own_words\.json is missing"):
        load_words_measured(tmp_path)
    path = tmp_path / f"{OWN_WORDS}.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(TrainedModelError, match="damaged"):
        load_own_words(folder=tmp_path)
    path.write_bytes((WEIGHTS / "class_flow.safetensors").read_bytes())
    with pytest.raises(TrainedModelError, match="holds another network"):
        load_own_words(folder=tmp_path)
