import math

import pytest
import torch

from lessons.workbench.denoisers import PromptError, PromptNotice, Style, Subject
from lessons.workbench.denoisers.prompts import PromptReader

SUBJECTS = (
    Subject("rocket", ("rocket ship", "space", "launch"), "Travel"),
    Subject("sailboat", ("boat", "ship", "sea"), "Travel"),
    Subject("old_man", ("man", "elderly", "grandfather"), "People"),
    Subject("man", ("male", "adult"), "People"),
    Subject("camping", ("tent", "campfire", "people around a campfire"), "Travel"),
    Subject("snow_capped_mountain", ("mountain", "snow", "peak"), "Travel"),
    Subject("dog", ("puppy", "pet"), "Animals"),
    Subject("cat", ("kitten", "pet"), "Animals"),
    Subject("wolf", ("animal",), "Animals"),
    Subject("pencil", ("write",), "Objects"),
)
STYLES = (
    Style("photo", ("photo", "photograph")),
    Style("oil_painting", ("oil painting", "painting")),
    Style("drawing", ("drawing", "pencil drawing", "pencil", "sketch")),
)


def prior_of(prompt, **options):
    reader = PromptReader(SUBJECTS, STYLES, **options)
    return reader.log_prior(prompt).exp().reshape(len(STYLES), len(SUBJECTS))


def favourite(prompt):
    return SUBJECTS[int(prior_of(prompt).sum(0).argmax())].name


def test_the_empty_prompt_is_the_whole_atlas_evenly():
    reader = PromptReader(SUBJECTS, STYLES)
    for prompt in ("", "  "):
        log_prior = reader.log_prior(prompt)
        assert log_prior.shape == (30,) and log_prior.dtype == torch.float32
        torch.testing.assert_close(log_prior, torch.full((30,), -math.log(30)))


@pytest.mark.parametrize("prompt", ["", "a dog", "an oil painting of a cat", "a photo", "man wolf"])
def test_a_prior_adds_up_to_one(prompt):
    assert abs(float(prior_of(prompt).sum()) - 1) < 1e-5


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("a rocket ship", "rocket"),
        ("a ship", "sailboat"),
        ("a photo of a man", "man"),
        ("an oil painting of an old man", "old_man"),
        ("an oil painting of people around a campfire", "camping"),
        ("snowy mountains", "snow_capped_mountain"),
        ("two dogs", "dog"),
        ("a dog's portrait", "dog"),
        ("a puppy", "dog"),
        ("a pencil", "pencil"),
        ("a pencil drawing of a wolf", "wolf"),
        ("WOLVES!", "wolf"),
    ],
)
@pytest.mark.filterwarnings("ignore::lessons.workbench.denoisers.PromptNotice")
def test_the_subject_asked_for_gets_most(prompt, subject):
    assert favourite(prompt) == subject


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("a photo of a dog", 0),
        ("an oil painting of a dog", 1),
        ("a drawing of a dog", 2),
        ("a pencil drawing of a dog", 2),
        ("a high quality photo", 0),
        ("a sketch", 2),
    ],
)
def test_style_words_choose_the_style_softly(prompt, style):
    by_style = prior_of(prompt).sum(1)
    assert by_style.argmax() == style and by_style[style] > 0.7
    assert (by_style > 0).all()


def test_no_style_word_means_every_style():
    by_style = prior_of("a dog").sum(1)
    torch.testing.assert_close(by_style, torch.full((3,), 1 / 3))


def test_a_style_alone_leaves_the_subjects_even():
    by_subject = prior_of("a high quality photo").sum(0)
    torch.testing.assert_close(by_subject, torch.full((10,), 0.1))


def test_a_prompt_is_soft_and_its_tail_is_related():
    by_subject = dict(zip([s.name for s in SUBJECTS], prior_of("a dog").sum(0), strict=True))
    assert by_subject["dog"] > by_subject["cat"] > by_subject["wolf"] > 0
    assert by_subject["wolf"] > by_subject["pencil"]
    assert by_subject["dog"] < 0.99


def test_a_hard_prompt_has_no_tail():
    prior = prior_of("a photo of a dog", softness=0)
    assert prior[0, 6] == 1 and prior.sum() == 1


def test_the_tail_is_cut_for_speed():
    reader = PromptReader(SUBJECTS, STYLES, max_pictures=4)
    assert torch.isfinite(reader.log_prior("a dog")).sum() == 4
    assert torch.isfinite(reader.log_prior("a photo")).sum() == 30


def test_a_misspelt_word_is_replaced_and_said_so():
    with pytest.warns(PromptNotice, match="takes 'moutain' for 'mountain'"):
        assert favourite("a moutain") == "snow_capped_mountain"


def test_an_unknown_word_is_ignored_and_said_so():
    with pytest.warns(PromptNotice, match="does not know 'zyzzyva'"):
        assert favourite("a dog and a zyzzyva") == "dog"


def test_a_prompt_with_no_known_word_suggests_some():
    with pytest.raises(PromptError, match=r"knows no word .* such as '[a-z ]+', '"):
        prior_of("xylophone quixotry")
    with pytest.raises(PromptError):
        prior_of("of the")
    with pytest.raises(TypeError, match="string"):
        PromptReader(SUBJECTS, STYLES).log_prior(7)


@pytest.mark.parametrize("softness", [-0.1, 1.0])
def test_softness_is_a_share(softness):
    with pytest.raises(ValueError, match="softness"):
        PromptReader(SUBJECTS, STYLES, softness=softness)
