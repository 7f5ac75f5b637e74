"""Probes of lesson 20: encoders and networks of known values, a loss, a denoiser of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from checkers.engine.sandbox.inside.running import Inputs
from checkers.engine.worlds.ddpm_loss import without_gradient
from checkers.engine.worlds.dropping import hangs_on, how_dropped
from checkers.engine.worlds.known_guess import KnownGuess
from checkers.engine.worlds.known_values import give_known_values, rows_of
from checkers.engine.worlds.neighbours import neighbour_correlations
from checkers.engine.worlds.networks import build, every_gelu, gradient_of, small_networks
from checkers.engine.worlds.refusals import only_float32, same_shape, times_of

_LEAST = 1e-12
_SAME = 1e-2
"""The root mean square by which a target may be off a picture that it is."""
_ROUNDING = 1e-5


# --- tokenize -------------------------------------------------------------------------------------


def write_tokens(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Write prompts as tokens, several times.

    Args:
        student: `tokenize`.
        inputs: {"calls": a list of {"prompts", "vocabulary", perhaps "length", perhaps "as_tuple":
            whether the prompts are given as a tuple}}.

    Returns:
        {"result": what it returned for each, "kept": whether prompts and vocabularies stayed as
        they were}.
    """
    results, kept = [], True
    for one in inputs["calls"]:
        prompts = (tuple if one.get("as_tuple") else list)(one["prompts"])
        words = dict(one["vocabulary"])
        results.append(student(prompts, words, *([one["length"]] if "length" in one else [])))
        kept &= [*prompts] == one["prompts"] and words == one["vocabulary"]
    return {"result": results, "kept": kept}


# --- PromptEncoder --------------------------------------------------------------------------------


def encode(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Build a `PromptEncoder`, give its words known vectors, and let it encode.

    It has encoded the same prompts before, with other vectors.

    Args:
        student: `PromptEncoder`.
        inputs: {"arguments", "seed": of the known values, "tokens": a list of (B, L) int64}.

    Returns:
        {"weights": how many numbers its parameters have, "largest": how many the largest of them
        has, "result": for each what it returned,
        "reached": for each prompt without zeros, how many numbers get a gradient from its result,
        "finite": whether all gradients are finite, "changed": "tokens" if it wrote into them}.
    """
    module = build(student, inputs["arguments"])
    _give_known_words(module, inputs["seed"] + 1)
    for tokens in inputs["tokens"]:
        module(tokens.clone())
    _give_known_words(module, inputs["seed"])
    results, changed = [], []
    for tokens in inputs["tokens"]:
        given = tokens.clone()
        results.append(module(given))
        if not torch.equal(given, tokens):
            changed = ["tokens"]
    prompts = [prompt for tokens in inputs["tokens"] for prompt in tokens]
    sizes = [parameter.numel() for parameter in module.parameters()]
    rows = [row for one in results if isinstance(one, Tensor) for row in one]
    slopes = [_slopes_of(row, module) for row in rows]
    return {
        "weights": sum(sizes),
        "largest": max(sizes, default=0),
        "result": results,
        "reached": [
            int(slope.count_nonzero())
            for slope, prompt in zip(slopes, prompts, strict=False)
            if prompt.all()
        ],
        "finite": all(bool(slope.isfinite().all()) for slope in slopes),
        "changed": changed,
    }


def _slopes_of(result: Tensor, module: nn.Module) -> Tensor:
    """The gradient of one result, in some direction, with respect to all that is learned."""
    value = (result * torch.randn_like(result)).sum()
    slopes = [gradient_of(value, one).to_dense() for one in module.parameters()]
    return torch.cat([slope.flatten() for slope in slopes])


def _give_known_words(module: nn.Module, seed: int) -> None:
    """Known values everywhere; a vector that stands for no word stays zeros where that was said."""
    with torch.no_grad():
        give_known_values(module, rows_of(module, []), seed)
        for part in module.modules():
            if isinstance(part, nn.Embedding | nn.EmbeddingBag) and part.padding_idx is not None:
                part.weight[part.padding_idx] = 0.0


# --- TextConditionalUNet --------------------------------------------------------------------------


@small_networks()
def tell_apart(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Change what some pictures of a batch are told, and see which results change.

    Args:
        student: `TextConditionalUNet`.
        inputs: {"arguments", "x", "also": [times, tokens], "which": 1 for the times and 2 for the
            tokens, "other": what else they could be, "changed": (B,) bool, for which pictures,
            "first": how many numbers are in the matrix that they meet first, "seed"}.

    Returns:
        {"result": before, "moved": for each picture whether its result changed, "slope": the
        numbers of the gradient with respect to that matrix, the least first: some turn it}.
    """
    module = build(student, inputs["arguments"])
    given = [inputs["x"], *inputs["also"]]
    which, changed = inputs["which"], inputs["changed"]
    now = given[which]
    others = [*given]
    others[which] = torch.where(changed.view(-1, *[1] * (now.ndim - 1)), inputs["other"], now)
    with torch.no_grad():
        module.eval()(*given)
    rows = rows_of(module, given)
    with torch.no_grad():
        give_known_values(module, rows, inputs["seed"])
        for parameter in module.parameters():
            if parameter.shape[2:] == (4, 4):
                parameter.mul_(8)  # what `unflatten` makes weighs as much as the rest
    first = [p for p in module.parameters() if p not in rows and p.numel() == inputs["first"]]
    with every_gelu("none"):
        before, after = (module(*(value.clone() for value in values)) for values in (given, others))
    if not isinstance(before, Tensor):
        return {"result": before, "moved": None}
    towards = torch.randn(before.shape, generator=torch.Generator().manual_seed(inputs["seed"]))
    slopes = [gradient_of((before * towards).sum(), one).to_dense().flatten() for one in first]
    gap = (after - before).detach().flatten(1).abs().amax(dim=1)
    return {
        "result": before,
        "moved": (gap > 1e-4 * float(before.detach().std())).tolist(),
        "slope": torch.cat([*slopes, torch.zeros(0)]).sort().values,
    }


# --- text_ddpm_loss -------------------------------------------------------------------------------


class GuessWitness(nn.Module):
    """Gives a fixed answer that can be learned, and keeps what it was shown."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(answer.clone())
        self.shown: list[dict[str, Any]] = []

    def forward(self, x: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        """The fixed answer.

        Raises:
            TypeError: if a real network could not take what it is given.
        """
        same_shape(x, self.answer)
        only_float32("x", x)
        if isinstance(tokens, Tensor) and tokens.is_floating_point():
            raise TypeError("tokens are whole numbers (int64): nn.Embedding takes nothing else")
        told = torch.as_tensor(tokens).detach().clone()
        self.shown.append(
            {"x": x.detach().clone(), "t": times_of(t, len(x)), "tokens": told,
             "training": self.training}
        )  # fmt: skip
        return self.answer + 0  # not the parameter itself, which has a gradient in any case


def watch_guesses(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Call `text_ddpm_loss` often and see what it shows the model, and what it asks of it.

    A squared error is k sum d^2 with d = answer - target, so its gradient 2 k d tells k and d.

    Args:
        student: `text_ddpm_loss`.
        inputs: {"pictures", "tokens", "alphas_cumprod", "p_uncond": a list with it or without,
            "calls"}.

    Returns:
        {"calls": of the model in the first call, "has_gradient", "shape": of a loss that is not one
        number, "result" if it is neither a tensor nor a number, "training", "changed",
        "scale": k times the number of values, "spread": of the
        gradient's sizes over their mean, "gap", "gap_to_noisy": how far the target is from the
        clean and from the noisy pictures;
        "x": the noisy pictures of the first call; "steps": (T, 5) for each timestep told: its share
        of the pictures, the share of the clean picture in the noisy ones, and mean, deviation and
        kurtosis of the rest; "left": how many times were no t / T, "highest": the largest,
        "neighbours": how alike its noise is from channel to channel, row to row and column to
        column, "own": whether the pictures of the first call differ in time, "alike": see `_alike`,
        "repeated", "same_noise": whether two calls, or their noises, are alike, "largest": of the
        noise, without its sign; "kept", "dropped", "other": shares of prompts; "rule",
        "by_time"}.
    """
    pictures, tokens, abar = inputs["pictures"], inputs["tokens"], inputs["alphas_cumprod"]
    observed: dict[str, Any] = {"calls": 0, "has_gradient": False, "changed": False}
    xs, ts, told = [], [], []
    for number in range(inputs["calls"]):
        witness = GuessWitness(1.7 * torch.randn(pictures.shape))
        given = pictures.clone(), tokens.clone()
        value = student(witness, *given, abar, *inputs["p_uncond"])
        observed["changed"] |= not all(map(torch.equal, given, (pictures, tokens)))
        if number == 0:
            observed["calls"] = len(witness.shown)
            observed["training"] = all(one["training"] for one in witness.shown)
        if (unusable := without_gradient(value, bool(witness.shown))) is not None:
            return observed | unusable
        value.sum().backward()
        gradient = witness.answer.grad
        observed["has_gradient"] = gradient is not None
        if gradient is None:
            return observed
        shown = witness.shown[-1]
        factor, target = _compared_with(gradient.double(), float(value.detach()), witness)
        order = _order_of(target, shown["x"], pictures)
        if number == 0:
            gaps = (target[order] - pictures, target - shown["x"])
            near, near_noisy = (float(gap.square().mean().sqrt()) for gap in gaps)
            spread = gradient.abs().std() / gradient.abs().mean().clamp(min=_LEAST**4)
            observed |= {
                "scale": factor * pictures.numel(), "spread": float(spread),
                "gap": near, "gap_to_noisy": near_noisy,
            }  # fmt: skip
        xs.append(shown["x"][order])
        ts.append(shown["t"].double()[order])
        same_rows = shown["tokens"].shape == tokens.shape
        told.append(shown["tokens"][order] if same_rows else shown["tokens"])
    x, t = torch.stack(xs), torch.stack(ts)
    return {
        **observed, "x": xs[0], **_noised(x, t, pictures, abar), **_told(told, tokens, t)
    }  # fmt: skip


def _compared_with(gradient: Tensor, amount: float, witness: GuessWitness) -> tuple[float, Tensor]:
    """The k of a squared error, and what the answer is compared with, (B, C, H, W)."""
    factor = float(gradient.square().sum()) / max(4 * abs(amount), _LEAST)
    return factor, witness.answer.detach().double() - gradient / max(2 * factor, _LEAST)


def _order_of(target: Tensor, x: Tensor, pictures: Tensor) -> Tensor:
    """(B,), where each clean picture is in the batch that the model is shown.

    A loss may go through the pictures in any order. So it does if its targets are they, in that
    order, and the noisy ones fit it better than the order in which they are given.
    """
    given = torch.arange(len(pictures))
    rows = pictures.double().flatten(1)
    gaps = torch.cdist(rows, target.flatten(1))
    order = gaps.argmin(dim=1)
    if (gaps.amin(dim=1) > _SAME * rows.shape[1] ** 0.5).any() or len(order.unique()) < len(order):
        return given
    shown = x.double().flatten(1)
    return order if (shown[order] * rows).sum() > (shown * rows).sum() else given


def _noised(x: Tensor, t: Tensor, pictures: Tensor, abar: Tensor) -> dict[str, Any]:
    """What the noisy pictures of all calls are made of, timestep by timestep."""
    num_timesteps = len(abar)
    clean = pictures.double().expand_as(x).flatten(0, 1).flatten(1)
    noisy, times = x.double().flatten(0, 1).flatten(1), t.flatten() * num_timesteps
    step = times.round()
    belongs = ((times - step).abs() < 1e-3) & (step >= 0) & (step < num_timesteps)
    rows = []
    for number in range(num_timesteps):
        chosen = belongs & (step == number)
        if int(chosen.sum()) < 2:
            rows.append([0.0] * 5)
            continue
        mine, its = noisy[chosen], clean[chosen]
        share = float((mine * its).sum() / its.square().sum())
        rest = mine - share * its
        centred = rest - rest.mean()
        variance = centred.square().mean().clamp(min=_LEAST)
        rows.append([
            float(chosen.double().mean()), share, float(rest.mean()), float(variance.sqrt()),
            float(centred.pow(4).mean() / variance**2),
        ])  # fmt: skip
    noise = _noise_in(x.double(), t, pictures.double(), abar.double())
    return {
        "steps": torch.tensor(rows, dtype=torch.float64),
        "left": int((~belongs).sum()),
        "highest": float(t.max()),
        "own": len(t[0].unique()) > 1,
        "alike": _alike(noise[0]),
        "same_noise": len(noise) > 1 and bool(torch.allclose(noise[0], noise[-1], atol=1e-3)),
        "largest": float(noise.abs().max()),
        "neighbours": neighbour_correlations(noise.numpy())[-3:],
        "repeated": len(x) > 1 and bool(torch.allclose(x[0], x[-1], atol=1e-5)),
    }


def _alike(noise: Tensor) -> str:
    """Which pictures of a batch have the same noise: "All", "Several" or ""."""
    if torch.allclose(noise[1:4], noise[:1], atol=1e-3):
        return "All"
    nearly = torch.pdist(noise.flatten(1), p=torch.inf) < _ROUNDING
    return "Several" if nearly.any() else ""


def _noise_in(x: Tensor, t: Tensor, pictures: Tensor, abar: Tensor) -> Tensor:
    """What the noise is by the times told, (calls, B, C, H, W)."""
    step = (t * len(abar)).round().long().clamp(0, len(abar) - 1)
    level = abar[step][..., None, None, None]
    return (x - level.sqrt() * pictures) / (1 - level).sqrt()


def _told(told: list[Tensor], tokens: Tensor, t: Tensor) -> dict[str, Any]:
    """Which prompts became zeros, and by which rule."""
    if any(one.shape != tokens.shape for one in told):
        return {"kept": 0.0, "dropped": 0.0, "other": 1.0, "rule": "", "by_time": False}
    rows = torch.stack(told)
    kept, dropped = (rows == tokens).all(dim=2), (rows == 0).all(dim=2)
    return {
        "kept": float(kept.double().mean()),
        "dropped": float(dropped.double().mean()),
        "other": float((~kept & ~dropped).double().mean()),
        "rule": how_dropped(~kept, tokens[:, 0]),
        "by_time": hangs_on((~kept).flatten(), t.flatten()),
    }


# --- OwnDenoiser ----------------------------------------------------------------------------------


def embed_prompts(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Embed one prompt, several, and none.

    Args:
        student: `OwnDenoiser`.
        inputs: {"words", "pattern": of the model, "vocabularies": of two denoisers, "prompts": a
            list of strings or of lists of strings, "as_tuple": a list that is given as a tuple}.

    Returns:
        {"result": what each denoiser returned for each, and for the tuple, "kept": whether prompts
        and vocabularies stayed as they were}.
    """
    results, kept = [], True
    for words in inputs["vocabularies"]:
        vocabulary = dict(words)
        own = _own(student, {**inputs, "vocabulary": vocabulary})
        for prompt in [*inputs["prompts"], tuple(inputs["as_tuple"])]:
            given = prompt if isinstance(prompt, str | tuple) else list(prompt)
            results.append(own.embed(given))
            kept &= given == prompt
        kept &= vocabulary == words
    return {"result": results, "kept": kept}


def ask_for_noise(student: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """Ask for the noise in some pictures.

    Args:
        student: `OwnDenoiser`.
        inputs: {"words", "pattern", "vocabulary", "calls": a list of {"x_t", "t", "tokens"}}.

    Returns:
        {"fields": whether all that was returned has them; "noise", "variance": for each call, or
        what was returned in both places; "changed": names of what was written into}.
    """
    own = _own(student, inputs)
    answers, changed = [], []
    for one in inputs["calls"]:
        given = {"x_t": one["x_t"].clone(), "prompt_embeds": one["tokens"].clone()}
        answers.append(own(given["x_t"], one["t"], given["prompt_embeds"]))
        for name, value in zip(given, (one["x_t"], one["tokens"]), strict=True):
            if not torch.equal(given[name], value):
                changed.append(name)
    return {
        "fields": all(hasattr(one, "noise") and hasattr(one, "variance") for one in answers),
        "noise": [getattr(one, "noise", one) for one in answers],
        "variance": [getattr(one, "variance", one) for one in answers],
        "changed": changed,
    }


def _own(student: Callable[..., Any], inputs: Inputs) -> Any:
    return student(KnownGuess(inputs["words"], inputs["pattern"]), inputs["vocabulary"])
