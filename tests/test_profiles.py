"""The profile is what was asked for, by argument before environment before machine."""

import pytest
import torch

from lessons.workbench.training.profiles import PROFILES, VARIABLE, ProfileError, choose_profile


@pytest.fixture
def no_wish(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize(("has_gpu", "name"), [(True, "full"), (False, "quick")])
def test_the_machine_decides_if_nobody_asks(no_wish, monkeypatch, has_gpu, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    profile = choose_profile()
    assert profile.name == name
    assert profile.device.type == ("cuda" if has_gpu else "cpu")


def test_the_environment_goes_before_the_machine_and_the_argument_before_both(monkeypatch):
    monkeypatch.setenv(VARIABLE, "smoke")
    assert choose_profile().name == "smoke"
    assert choose_profile("quick").name == "quick"


@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_picks_its_own_settings_and_says_its_name(name):
    profile = choose_profile(name)
    assert profile.pick(smoke="smoke", quick="quick", full="full") == name
    assert name in str(profile) and name in profile._repr_html_()


def test_an_unknown_profile_is_told_with_what_there_is(monkeypatch):
    with pytest.raises(ProfileError, match=r"choose_profile .*'fast'.*smoke, quick, full"):
        choose_profile("fast")
    monkeypatch.setenv(VARIABLE, "slow")
    with pytest.raises(ProfileError, match=VARIABLE):
        choose_profile()
