"""The trained networks that ship with the course load, are small, and do as their lessons say."""

import json
import os

import pytest
import torch

from lessons.workbench.training import load_digit_classifier, share_read_as
from lessons.workbench.training.mnist import ROOT_VARIABLE, load_digits
from solutions import class_ddpm_sample, class_flow_sample, ddpm_schedule
from solutions.trained import (
    MEASURED,
    NAMES,
    WEIGHTS,
    TrainedModelError,
    load_measurements,
    load_trained,
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
