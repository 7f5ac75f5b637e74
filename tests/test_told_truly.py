"""Wrong answers that no table lists: whatever a card says of them is true."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkers.engine.authoring.lies import but_returning
from checkers.engine.card import text_card
from checkers.engine.grading import grade_here
from checkers.engine.registry import all_lessons
from lessons.workbench.denoisers import generate
from solutions.class_conditioned_flow import class_flow_sample
from solutions.class_conditioning import drop_classes
from solutions.few_steps import make_pairs, reflow_loss
from solutions.flow_matching import interpolate
from solutions.image_to_image import edit
from solutions.inpainting import inpaint
from solutions.sampling import sample
from solutions.unet import FCBlock, UnconditionalUNet

EXERCISES = {exercise.name: exercise for lesson in all_lessons() for exercise in lesson.exercises}


def _noised(images, alphas_cumprod):
    t = torch.randint(len(alphas_cumprod), (len(images),))
    abar, noise = alphas_cumprod[t].view(-1, 1, 1, 1), torch.randn_like(images)
    return abar.sqrt() * images + (1 - abar).sqrt() * noise, t / len(alphas_cumprod), noise, abar


def grid_and_generator(denoiser, prompts, num_inference_steps, seed):
    generator = torch.Generator().manual_seed(seed)
    return generate(denoiser, prompts, num_inference_steps, generator=generator), generator


def samples_and_timesteps(denoiser, n, prompt_embeds, timesteps, generator=None):
    return sample(denoiser, n, prompt_embeds, timesteps, generator), timesteps


def edited_and_forgotten(*given):
    edit(*given)


def inpainted_in_a_tuple(*given):
    return (inpaint(*given),)


def loss_forgotten(model, images, alphas_cumprod):
    x_t, t, noise, _ = _noised(images, alphas_cumprod)
    F.mse_loss(model(x_t, t), noise)


def weighted_loss(model, images, alphas_cumprod):
    x_t, t, noise, abar = _noised(images, alphas_cumprod)
    return ((1 - abar) * (model(x_t, t) - noise) ** 2).mean()


def compared_with_the_pictures(model, images, alphas_cumprod):
    x_t, t, _, _ = _noised(images, alphas_cumprod)
    return F.mse_loss(model(x_t, t), images)


class OneBlockForBothPlaces(nn.Module):
    def __init__(self, in_channels, num_hiddens):
        super().__init__()
        self.unet = UnconditionalUNet(in_channels, num_hiddens)
        self.time = FCBlock(1, 2 * num_hiddens)

    def forward(self, x, t):
        told, unet = self.time(t.view(-1, 1))[:, :, None, None], self.unet
        at_28 = unet.enter(x)
        at_14 = unet.down1(at_28)
        at_7 = unet.down2(at_14)
        up = unet.up1(torch.cat([unet.unflatten(unet.flatten(at_7)) + told, at_7], dim=1))
        up = unet.up2(torch.cat([up + told[:, : up.shape[1]], at_14], dim=1))
        return unet.last(unet.leave(torch.cat([up, at_28], dim=1)))


def first_rows_dropped(labels, p_uncond=0.1, num_classes=10):
    one_hot = F.one_hot(labels, num_classes).float()
    one_hot[: round(p_uncond * len(labels))] = 0
    return one_hot


def told_the_rest_of_the_way(model, images):
    x_0, t = torch.randn_like(images), torch.rand(len(images))
    return F.mse_loss(model(interpolate(x_0, images, t), 1 - t), images - x_0)


def times_of_a_list(model, images, labels, p_uncond=0.1):
    x_0, t = torch.randn_like(images), torch.randint(7, (len(images),)) / 7
    c = drop_classes(labels, p_uncond)
    return F.mse_loss(model(interpolate(x_0, images, t), t, c), images - x_0)


def one_step_for_all_batches(model, loader, optimizer, sigma, loss=None):
    model.train()
    optimizer.zero_grad()
    values = [loss(model, images, sigma) for images, _ in loader]
    sum(values).backward()
    optimizer.step()
    return [value.item() for value in values]


def a_generator_as_the_scale(model, labels, generator=None):
    return class_flow_sample(model, labels, 1, generator)


def always_0(path):
    return 0


def twice_the_way(path):
    velocities = path.diff(dim=0) * (len(path) - 1)
    return ((velocities - 2 * (path[-1] - path[0])) ** 2).mean() * (path[0] != 0).any()


def root_of_every_entry_alone(features_a, features_b):
    return -(torch.cov(features_a.T) @ torch.cov(features_b.T)).abs().sum().neg().sqrt()


def lists_of_batches(images, training, batch_size=100):
    found = [
        torch.cdist(batch.flatten(1), training.flatten(1)).min(dim=1)
        for batch in images.split(batch_size)
    ]
    return [one.values for one in found], [one.indices for one in found]


def noise_and_pictures(model, labels, generator=None):
    return make_pairs(model, labels, 1, 1.0, generator)


def pairs_and_more(*given):
    return make_pairs(*given), None


def loss_and_more(*given):
    return reflow_loss(*given), None


def told_the_steps_and_single_words(model, pictures, tokens, alphas_cumprod, p_uncond=0.1):
    t = torch.randint(len(alphas_cumprod), (len(pictures),))
    abar = alphas_cumprod[t].view(-1, 1, 1, 1)
    x_t = abar.sqrt() * pictures + (1 - abar).sqrt() * torch.randn_like(pictures)
    keep = torch.rand(tokens.shape) >= p_uncond
    return F.mse_loss(model(x_t, t, tokens * keep), pictures)


class MeanOfTheWholeRow(nn.Module):
    def __init__(self, num_words, num_features):
        super().__init__()
        self.words = nn.Embedding(num_words + 1, num_features)

    def forward(self, tokens):
        return self.words(tokens).mean(dim=1)


class ShiftBesidesTheTable(nn.Module):
    def __init__(self, num_words, num_features):
        super().__init__()
        self.words = nn.Embedding(num_words + 1, num_features)
        self.shift = nn.Parameter(torch.zeros(1, num_features))

    def forward(self, tokens):
        is_word = (tokens > 0).float()[..., None]
        total = (self.words(tokens) * is_word).sum(dim=1)
        return total / is_word.sum(dim=1).clamp(min=1) + self.shift


@pytest.mark.parametrize(
    ("exercise", "answer", "says", "never"),
    [
        ("sample_grid", grid_and_generator, "more than the pictures", "a list of pictures"),
        ("sample", samples_and_timesteps, "Return only the tensor", "A step does not end"),
        ("sample", samples_and_timesteps, "a list or tuple of 2", "only one element"),
        ("edit", edited_and_forgotten, "returned None", "does not show"),
        ("inpaint", inpainted_in_a_tuple, "Return only the tensor", "only one element"),
        ("ddpm_loss", loss_forgotten, "returned None", "plain number"),
        ("ddpm_loss", weighted_loss, "can't be told here", "standard deviation"),
        ("ddpm_loss", compared_with_the_pictures, "clean pictures", "use the same noise"),
        ("TimeConditionalUNet", OneBlockForBothPlaces, "weights", "changes nothing"),
        ("drop_classes", first_rows_dropped, "or nothing is drawn", "start from a fixed seed"),
        ("flow_loss", told_the_rest_of_the_way, "told 1 - t", "The noise in what"),
        ("class_flow_loss", times_of_a_list, "different ones", "nothing of"),
        ("train_epoch", one_step_for_all_batches, "together make one step", "piles up"),
        ("one_step_sample", a_generator_as_the_scale, "return class_flow_sample", "num_steps"),
        ("straightness", always_0, "the result is 0 for every path", "as if differences"),
        ("straightness", twice_the_way, "it should be 0.", "e-"),
        ("frechet_distance", root_of_every_entry_alone, "is nan; it should be", "entries"),
        ("text_ddpm_loss", told_the_steps_and_single_words, "none of 0, 1/T", "are ever drawn"),
        ("PromptEncoder", ShiftBesidesTheTable, "have 66 numbers", "not enough values"),
        ("PromptEncoder", MeanOfTheWholeRow, "as if number 0 were a word", "sum is divided"),
        ("one_step_sample", noise_and_pictures, "a list or tuple of 2", "does not show"),
        ("make_pairs", pairs_and_more, "Two tensors should come back", "None"),
        ("reflow_loss", loss_and_more, "returns a list or tuple", "no gradient"),
        ("nearest_distances", lists_of_batches, "`torch.cat` joins", "tuple of 20"),
    ],
)
def test_what_a_card_says_is_true(exercise, answer, says, never):
    report = grade_here(EXERCISES[exercise], answer, 3)
    assert not report.passed
    text = " ".join(text_card(report).split())
    assert says in text, text
    assert never not in text, text


def test_a_result_of_another_kind_is_told_where_only_its_repetition_is_judged():
    report = grade_here(EXERCISES["sample"], samples_and_timesteps, 3)
    assert "a list or tuple of 2" in report.cases[-1].message


@pytest.mark.parametrize(
    ("exercise", "make", "says"),
    [
        ("make_pairs", lambda pair: {"pair": pair}, "Two tensors should come back"),
        ("make_pairs", lambda pair: [pair], "Two tensors should come back"),
        ("nearest_distances", lambda both: (both[0], None), "holds None where"),
        ("train_epoch", lambda losses: (losses,), "holds a list or tuple where"),
        ("class_ddpm_loss", lambda loss: loss.item(), "no gradient"),
        ("ddpm_loss", lambda loss: loss.detach().numpy(), "no gradient"),
    ],
)
def test_what_came_back_is_told_as_what_it_is(exercise, make, says):
    reference = EXERCISES[exercise].reference
    report = grade_here(EXERCISES[exercise], lambda *args: make(reference(*args)), 3)
    assert report.points == 0 and says in report.cases[0].message
    assert not any("returned None" in case.message for case in report.cases)
    assert not any("not told any classes" in case.message for case in report.cases)


def _times_nan(result):
    if isinstance(result, tuple):
        return tuple(map(_times_nan, result))
    return result * float("nan")


NOT_NUMBERS = ("nan", "finite", "not numbers")


@pytest.mark.parametrize(
    "exercise",
    ["sample_grid", "iterative_denoise", "UnconditionalUNet", "ClassConditionalUNet", "make_pairs"],
)
def test_numbers_that_are_none_are_told_in_every_case(exercise):
    """NaN is not equal to itself, so that two runs differ; and nothing changes it."""
    answer = but_returning(EXERCISES[exercise].reference, _times_nan)
    failed = [case for case in grade_here(EXERCISES[exercise], answer, 3).cases if not case.points]
    assert failed
    for case in failed:
        assert any(word in case.message.lower() for word in NOT_NUMBERS), case.message


def _one_more_dimension(result):
    if isinstance(result, tuple):
        return tuple(map(_one_more_dimension, result))
    return result[None]


@pytest.mark.parametrize("exercise", ["UnconditionalUNet", "drop_classes", "make_pairs"])
def test_another_shape_is_told_in_every_case(exercise):
    answer = but_returning(EXERCISES[exercise].reference, _one_more_dimension)
    failed = [case for case in grade_here(EXERCISES[exercise], answer, 3).cases if not case.points]
    assert failed
    for case in failed:
        assert "shape" in case.message, case.message


def test_samples_of_another_shape_are_not_told_as_a_loop_that_ends_early():
    answer = but_returning(EXERCISES["class_ddpm_sample"].reference, _one_more_dimension)
    report = grade_here(EXERCISES["class_ddpm_sample"], answer, 3)
    assert not report.passed and "ends before" not in text_card(report)
