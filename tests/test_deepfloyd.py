"""The DeepFloyd path on a miniature of the real classes, with diffusers itself as the referee."""

import re
import shutil
from itertools import pairwise

import pytest
import torch
from diffusers import IFPipeline
from tiny_deepfloyd import save_half, save_stage_1, save_stage_2
from typer.testing import CliRunner

from lessons.workbench.__main__ import app
from lessons.workbench.denoisers import Denoiser, PromptError, generate, load_denoiser, preflight
from lessons.workbench.denoisers.deepfloyd import DeepFloydError, load_deepfloyd, upscale
from lessons.workbench.denoisers.embeddings import PromptEmbeddings, read_prompt_dictionary
from solutions import iterative_denoise, iterative_denoise_cfg

PROMPTS = ["a rocket ship", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_stage_1(tmp_path_factory.mktemp("tiny") / "IF-I")


@pytest.fixture(scope="module")
def denoiser(folder, tmp_path_factory):
    denoiser = load_deepfloyd(device="cpu", model=folder)
    denoiser.embeddings.cache = tmp_path_factory.mktemp("cache")
    return denoiser


@pytest.fixture(scope="module")
def pipeline(folder):
    pipeline = IFPipeline.from_pretrained(folder, safety_checker=None, watermarker=None)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_it_is_a_denoiser_like_any_other(denoiser):
    assert isinstance(denoiser, Denoiser)
    assert denoiser.alphas_cumprod.shape == (1000,)
    assert denoiser.alphas_cumprod.dtype == torch.float32
    x_t = torch.randn(2, 3, 64, 64)
    embeds = denoiser.embed(PROMPTS)
    both = denoiser(x_t, 500, embeds)
    assert both.noise.shape == both.variance.shape == (2, 3, 64, 64)
    for t in (500, torch.tensor(500), torch.tensor([500, 500])):
        torch.testing.assert_close(denoiser(x_t, t, embeds).noise, both.noise)
    one = denoiser(x_t[:1], 500, embeds[:1])
    torch.testing.assert_close(one.noise, both.noise[:1], atol=1e-5, rtol=1e-4)


def test_embeddings_are_those_of_the_pipeline(denoiser, pipeline):
    wanted, unconditional = pipeline.encode_prompt("a rocket ship")
    torch.testing.assert_close(denoiser.embed("a rocket ship"), wanted)
    torch.testing.assert_close(denoiser.embed(""), unconditional)
    assert denoiser.embed(["", "a rocket ship"]).shape == (2, 77, 32)


def test_a_prompt_is_encoded_once_and_kept_on_disk(folder, tmp_path, monkeypatch):
    first = PromptEmbeddings(str(folder), cache=tmp_path)(["a pencil"])
    again = PromptEmbeddings(str(folder), cache=tmp_path)
    monkeypatch.setattr(again, "_encode", lambda prompts: pytest.fail("encoded twice"))
    assert torch.equal(again(["a pencil"]), first)


def test_precomputed_prompts_need_no_text_encoder(folder, tmp_path, monkeypatch):
    path = tmp_path / "prompts.pth"
    torch.save({"a skull": torch.ones(1, 77, 32), "": torch.zeros(77, 32)}, path)
    denoiser = load_denoiser("deepfloyd", device="cpu", model=str(folder), prompts=str(path))
    monkeypatch.setattr(denoiser.embeddings, "_encode", lambda prompts: pytest.fail("encoded"))
    assert torch.equal(denoiser.embed(["a skull", ""]).mean((1, 2)), torch.tensor([1.0, 0.0]))


def test_a_prompt_file_is_never_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("code from a file was run",))

    path = tmp_path / "trap.pth"
    torch.save({"x": Trap()}, path)
    with pytest.raises(PromptError, match="can't be read"):
        read_prompt_dictionary(path)
    torch.save([1, 2], path)
    with pytest.raises(PromptError, match="one dictionary"):
        read_prompt_dictionary(path)
    with pytest.raises(PromptError, match="no file"):
        read_prompt_dictionary(tmp_path / "none.pth")


def test_add_variance_is_the_scheduler_s_and_the_general_formula(denoiser):
    x = torch.zeros(1, 3, 64, 64)
    variance = torch.rand_like(x) * 2 - 1
    for t, t_prev in ((990, 960), (500, 470), (30, 0)):
        generator = torch.Generator().manual_seed(3)
        mine = denoiser.add_variance(x, variance, t, t_prev, generator=generator)
        generator.manual_seed(3)
        general = Denoiser.add_variance(denoiser, x, variance, t, t_prev, generator=generator)
        torch.testing.assert_close(mine, general, atol=1e-5, rtol=1e-3)
    with pytest.raises(ValueError, match="t_prev < t"):
        denoiser.add_variance(x, variance, 30, 60)


def test_generate_agrees_with_diffusers_step_by_step(denoiser, pipeline):
    """Same noise, same timesteps, same guidance: the referee must come to the same picture."""
    steps = 6
    timesteps = [990, 792, 594, 396, 198, 0]
    seen = []
    pipeline(
        "a rocket ship",
        timesteps=timesteps,
        guidance_scale=7.0,
        generator=torch.Generator().manual_seed(11),
        callback=lambda i, t, x: seen.append(x.clone()),
        output_type="pt",
    )
    mine = generate(denoiser, "a rocket ship", steps, generator=torch.Generator().manual_seed(11))
    torch.testing.assert_close(mine, seen[steps - 2], atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_the_students_loops_agree_with_diffusers_step_by_step(denoiser, pipeline, scale):
    """The formulas of lessons 04 and 06 against an outside referee, after every single step."""
    timesteps = [990, 792, 594, 396, 198, 0]
    seen = []
    pipeline(
        "a rocket ship",
        timesteps=timesteps,
        guidance_scale=scale,
        generator=torch.Generator().manual_seed(11),
        callback=lambda i, t, x: seen.append(x.clone()),
        output_type="pt",
    )
    generator = torch.Generator().manual_seed(11)
    x_t = torch.randn(1, 3, 64, 64, generator=generator)
    prompt, nothing = denoiser.embed("a rocket ship"), denoiser.embed("")
    for i in range(len(timesteps) - 1):
        so_far = timesteps[: i + 2]
        if scale == 1:
            x_t = iterative_denoise(denoiser, x_t, i, prompt, so_far, generator)
        else:
            x_t = iterative_denoise_cfg(denoiser, x_t, i, prompt, nothing, so_far, scale, generator)
        torch.testing.assert_close(x_t, seen[i], atol=1e-3, rtol=1e-3)


def test_the_second_stage_enlarges(denoiser, tmp_path):
    model = save_stage_2(tmp_path / "IF-II")
    embeds = denoiser.embed(["a pencil", "a skull"])
    picture = torch.rand(2, 3, 64, 64) * 2 - 1
    large = upscale(picture, embeds, denoiser.embed(""), model=model, num_inference_steps=2)
    assert large.shape == (2, 3, 256, 256)
    with pytest.raises(DeepFloydError, match="second stage"):
        upscale(picture, embeds, denoiser.embed(""), model=tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("packages", "pip install"),
        ("cuda", "atlas"),
        ("token", "hf auth login"),
        ("disk", "HF_HOME"),
        ("licence", "accept the licence"),
    ],
)
def test_each_missing_requirement_is_one_sentence(name, words, monkeypatch):
    """Everything is there but one thing: loading says which, and what to do."""
    real = {
        key: getattr(preflight, key) for key in ("packages", "cuda", "token", "disk", "licence")
    }
    met = preflight.Requirement("x", True, "yes")
    for key in real:
        monkeypatch.setattr(preflight, key, lambda key=key: [met] if key == "packages" else met)
    remedy = {
        "packages": "pip install --upgrade 'accelerate>=0.33'",
        "cuda": "stay with load_denoiser('atlas')",
        "token": "run `hf auth login`",
        "disk": "set HF_HOME",
        "licence": "accept the licence there",
    }[name]
    lacking = preflight.Requirement(f"the {name}", False, "nothing", remedy)
    monkeypatch.setattr(preflight, name, lambda: [lacking] if name == "packages" else lacking)
    with pytest.raises(DeepFloydError) as caught:
        load_deepfloyd(device="cuda")
    assert f"needs the {name}" in str(caught.value) and words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_model_is_one_sentence(folder, tmp_path):
    with pytest.raises(DeepFloydError, match=r"model_index\.json"):
        load_deepfloyd(device="cpu", model=tmp_path)
    (tmp_path / "model_index.json").write_text("{}")
    (tmp_path / "unet").mkdir()
    with pytest.raises(DeepFloydError, match=r"unet/config\.json is missing"):
        load_deepfloyd(device="cpu", model=tmp_path)
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "unet" / "config.json").write_text('{"sample_size": 64}')
    with pytest.raises(DeepFloydError, match="can't be loaded"):
        load_deepfloyd(device="cpu", model=other)


def test_the_doctor_lists_each_requirement_with_a_remedy(folder):
    result = CliRunner().invoke(app, ["doctor", "--model", str(folder)])
    lines = result.output.splitlines()
    assert any(line.startswith("yes  a local copy") for line in lines)
    assert any("diffusers" in line for line in lines)
    for line, following in pairwise(lines):
        if line.startswith("no "):
            assert following.startswith("     ") and len(following) > 30
    assert result.exit_code == (0 if all(not line.startswith("no ") for line in lines) else 1)


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize("safe", [False, True])
def test_a_copy_in_half_precision_loads(denoiser, tmp_path, shards, safe):
    """As `save_pretrained(variant="fp16")` writes it, and it alone, in one file or several."""
    half = save_half(tmp_path / "IF-I", shards=shards, safe=safe)
    assert preflight.local_copy(half).met and preflight.local_text_encoder(half).met
    copy = load_denoiser("deepfloyd", device="cpu", model=str(half))
    copy.embeddings.cache = tmp_path
    assert copy.dtype == torch.float32, "half precision is slow on a CPU"
    embeds = copy.embed(PROMPTS)
    torch.testing.assert_close(embeds, denoiser.embed(PROMPTS), atol=2e-2, rtol=2e-2)
    x_t = torch.randn(1, 3, 64, 64)
    ours, theirs = copy(x_t, 500, embeds[:1]).noise, denoiser(x_t, 500, embeds[:1]).noise
    torch.testing.assert_close(ours, theirs, atol=2e-2, rtol=2e-2)


def test_the_second_stage_in_half_precision_enlarges(denoiser, tmp_path):
    save_stage_2(tmp_path / "IF-II", variant="fp16")
    embeds, picture = denoiser.embed(["a pencil"]), torch.zeros(1, 3, 64, 64)
    large = upscale(
        picture, embeds, denoiser.embed(""), model=tmp_path / "IF-II", num_inference_steps=2
    )
    assert large.shape == (1, 3, 256, 256) and large.dtype == torch.float32


POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 1234567\n"
)
UNET = "unet/diffusion_pytorch_model.safetensors"


def _pointer(path):
    path.write_bytes(POINTER)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def _cut_to_the_header(path):
    path.write_bytes(path.read_bytes()[:50])


def _empty(path):
    path.write_bytes(b"")


def _gone(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _doctor_on_spoilt(folder, tmp_path, spoil, name):
    """A copy of which one part is spoilt, and what the doctor says of it."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    spoil(copy / name)
    return copy, CliRunner().invoke(app, ["doctor", "--model", str(copy)])


@pytest.mark.parametrize(
    ("spoil", "name", "said"),
    [
        (_pointer, UNET, f"{UNET} is a Git LFS pointer"),
        (_cut, UNET, f"{UNET} is cut short or damaged"),
        (_cut_to_the_header, UNET, f"{UNET} is cut short or damaged"),
        (_empty, UNET, f"{UNET} is empty"),
        (_gone, UNET, "unet holds no weights"),
        (_gone, "unet/config.json", "unet/config.json is missing"),
        (_cut, "unet/config.json", "unet/config.json is damaged"),
        (_pointer, "unet/config.json", "unet/config.json is a Git LFS pointer"),
        (_cut, "model_index.json", "model_index.json is damaged"),
        (_gone, "scheduler", "scheduler/scheduler_config.json is missing"),
        (_gone, "scheduler/scheduler_config.json", "scheduler/scheduler_config.json is missing"),
        (_cut, "scheduler/scheduler_config.json", "scheduler/scheduler_config.json is damaged"),
    ],
)
def test_a_spoilt_copy_is_found_by_the_doctor_and_refused(folder, tmp_path, spoil, name, said):
    copy, result = _doctor_on_spoilt(folder, tmp_path, spoil, name)
    assert result.exit_code == 1
    assert f"no   a local copy of the first stage: {copy}: " in result.output
    assert said in result.output and "Git LFS pointers, `git lfs pull`" in result.output
    with pytest.raises(DeepFloydError, match=re.escape(said)):
        load_deepfloyd(device="cpu", model=copy)


@pytest.mark.parametrize(
    ("spoil", "name", "said"),
    [
        (_gone, "text_encoder", "text_encoder/config.json is missing"),
        (_gone, "text_encoder/model.safetensors", "text_encoder holds no weights"),
        (_pointer, "text_encoder/model.safetensors", "is a Git LFS pointer"),
        (_cut, "text_encoder/model.safetensors", "is cut short or damaged"),
        (_gone, "tokenizer", "is missing"),
        (_pointer, "tokenizer/tokenizer.json", "tokenizer/tokenizer.json is a Git LFS pointer"),
    ],
)
def test_a_copy_without_what_reads_prompts_still_draws(folder, tmp_path, spoil, name, said):
    """The doctor says what is missing; prompts that are precomputed work without it."""
    copy, result = _doctor_on_spoilt(folder, tmp_path, spoil, name)
    lines = result.output.splitlines()
    (line,) = (line for line in lines if "its text encoder" in line)
    assert line.startswith("no ") and said in line
    assert any(line.startswith("yes  a local copy of the first stage") for line in lines)
    known = tmp_path / "prompts.pth"
    torch.save({"a skull": torch.ones(1, 77, 32)}, known)
    denoiser = load_deepfloyd(device="cpu", model=copy, prompts=known)
    assert (
        denoiser(torch.zeros(1, 3, 64, 64), 500, denoiser.embed("a skull")).noise.isfinite().all()
    )
    denoiser.embeddings.cache = tmp_path / "cache"
    with pytest.raises(PromptError, match="Use a precomputed prompt"):
        denoiser.embed("a word that is new")


def test_one_of_several_files_of_weights_is_missed(tmp_path):
    half = save_half(tmp_path / "IF-I", shards=True, safe=True)
    shard = sorted((half / "unet").glob("*.safetensors"))[1]
    shard.unlink()
    found = preflight.local_copy(half)
    assert not found.met and f"unet/{shard.name} is missing" in found.found


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_half_precision_on_a_gpu(folder):
    denoiser = load_deepfloyd(device="cuda", model=folder)
    assert denoiser.dtype == torch.float16
    picture = generate(denoiser, "a pencil", 4, generator=1)
    assert picture.shape == (1, 3, 64, 64) and picture.isfinite().all()
