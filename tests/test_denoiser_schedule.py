import diffusers
import pytest
import torch

from lessons.workbench.denoisers import squared_cosine_alphas_cumprod


def test_schedule_is_the_one_of_deepfloyd():
    scheduler = diffusers.DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2")
    ours = squared_cosine_alphas_cumprod(1000)
    assert ours.shape == (1000,) and ours.dtype == torch.float32
    torch.testing.assert_close(ours, scheduler.alphas_cumprod, atol=1e-6, rtol=1e-4)


def test_schedule_falls_from_picture_to_noise():
    abar = squared_cosine_alphas_cumprod()
    assert (abar[1:] < abar[:-1]).all()
    assert abar[0] > 0.9999 and abar[-1] < 1e-4 and (abar > 0).all()


def test_no_timesteps_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        squared_cosine_alphas_cumprod(0)
