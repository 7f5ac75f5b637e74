"""From the words of a prompt to weights over the atlas.

Every word of the prompt is looked up among the names, keywords and groups of the subjects and
among the words of the styles. What comes out is a prior: how probable each stored picture is
before anything of the picture has been seen. It is soft on purpose. Part of the mass goes to
related subjects, as a network's idea of a prompt is never only the thing itself; that is what
classifier-free guidance then sharpens.
"""

from __future__ import annotations

import difflib
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterable

import torch
from torch import Tensor

from lessons.workbench.denoisers.atlas import Style, Subject
from lessons.workbench.denoisers.denoiser import PromptError

FILLER_WORDS = frozenset(
    """
    a an the of in on at by with without around and or some my your his her its this that to for
    from into over under near very high low quality nice good beautiful best big small is are was
    be being has have having wearing holding sitting standing looking using picture image view
    scene style made really there one
    """.split()  # noqa: SIM905
)
NAME_STRENGTH, PHRASE_STRENGTH, KEYWORD_STRENGTH, GROUP_STRENGTH = 1.0, 0.85, 0.5, 0.3
WHOLE_KEYWORD = 0.8
NEARLY_BEST = 0.81
CALM = 0.9
SPELLING_CUTOFF = 0.75


class PromptNotice(UserWarning):
    """A prompt was understood only in part; the message says what was made of it."""


class PromptReader:
    """Turns prompts into log-probabilities over subjects and styles.

    Args:
        subjects: what the atlas shows.
        styles: the ways it is drawn.
        softness: the share of the prior, from 0 to 1, that goes to related subjects and to styles
            that were not asked for. 0 is a hard prompt: only what was asked for has any weight.
        contrast: (styles * subjects,) how far each picture is from the mean picture. Guidance
            exaggerates whatever tells a prompt from the empty one; a related picture of more
            contrast than the one asked for would then win. So only calmer ones are let in.
        max_pictures: how many pictures a prompt that names a subject may keep; the least probable
            ones beyond that are dropped, for speed.

    Raises:
        ValueError: if `softness` is not in [0, 1).
    """

    def __init__(
        self,
        subjects: tuple[Subject, ...],
        styles: tuple[Style, ...],
        softness: float = 0.4,
        contrast: Tensor | None = None,
        max_pictures: int = 300,
    ) -> None:
        if not 0 <= softness < 1:
            raise ValueError(f"A prompt's softness lies in [0, 1), but got {softness}.")
        self.subjects = subjects
        self.styles = styles
        self.softness = softness
        self.contrast = torch.ones(len(styles) * len(subjects)) if contrast is None else contrast
        self.max_pictures = max_pictures
        self._names = [_stems(s.name) for s in subjects]
        self._phrases = [
            {tuple(_stems(phrase)) for phrase in (*s.keywords, s.name)} - {()} for s in subjects
        ]
        self._keyword_words = [{w for p in phrases for w in p} for phrases in self._phrases]
        self._groups = [set(_stems(s.group)) for s in subjects]
        self._style_phrases = [
            {tuple(_stems(phrase)) for phrase in (*s.words, s.name)} - {()} for s in styles
        ]
        counts = Counter(w for words in self._keyword_words for w in words)
        counts.update({w: 0 for groups in self._groups for w in groups})
        self._rarity = {w: math.log(1 + len(subjects) / (1 + n)) for w, n in counts.items()}
        self._name_words = {w for name in self._names for w in name}

    def log_prior(self, prompt: str) -> Tensor:
        """Return the log-probability of every stored picture, given a prompt.

        Args:
            prompt: words; "" (or nothing but blanks) asks for the whole atlas, evenly.

        Returns:
            (len(styles) * len(subjects),) float32, style by style as in `Atlas.pictures`; -inf
            where a picture is left out. The probabilities add up to 1.

        Raises:
            PromptError: if the atlas knows no word of the prompt.
            TypeError: if the prompt is not a string.

        Warns:
            PromptNotice: if a word was replaced by a similar one, or ignored.
        """
        if not isinstance(prompt, str):
            raise TypeError(f"A prompt is a string, but got {type(prompt).__name__}.")
        shape = (len(self.styles), len(self.subjects))
        if not prompt.strip():
            return torch.full((shape[0] * shape[1],), -math.log(shape[0] * shape[1]))
        style_hits, words = self._read(prompt)
        styles = self._style_prior(style_hits)
        if not words:
            prior = styles[:, None].expand(shape) / shape[1]
            return prior.flatten().log().float()
        scores = torch.tensor(self.scores(words), dtype=torch.float64)
        asked = self._asked_mass(scores)
        wanted = (styles[:, None] * asked).flatten()
        tail = self._calm((styles[:, None] * self._related(asked, scores)).flatten(), wanted)
        tail = _keep_largest(tail, max(self.max_pictures - int((wanted > 0).sum()), 0))
        if self.softness > 0 and tail.sum() > 0:
            wanted = (1 - self.softness) * wanted + self.softness * tail / tail.sum()
        return _keep_largest(wanted, self.max_pictures).log().float()

    def asked(self, prompt: str) -> list[str]:
        """Return the names of the subjects a prompt asks for, the best answer first.

        A prompt without a subject ("", "a photo") asks for none in particular: an empty list.

        Raises:
            PromptError: if the atlas knows no word of the prompt.
        """
        if not prompt.strip():
            return []
        _, words = self._read(prompt)
        if not words:
            return []
        mass = self._asked_mass(torch.tensor(self.scores(words), dtype=torch.float64))
        order = torch.argsort(mass, descending=True, stable=True).tolist()
        return [self.subjects[i].name for i in order if mass[i] > 0]

    def scores(self, words: list[str]) -> list[float]:
        """Say how well each subject answers to (stemmed) words, from 0 (not at all) to 1.

        A subject scores by the share of the words it covers, rare words counting more, and by how
        much of one of its own names is used: "man" is a better answer to "a man" than "man with a
        turban".
        """
        total = sum(self._rarity[w] for w in words)
        return [self._score(i, words) / total for i in range(len(self.subjects))]

    def _score(self, i: int, words: list[str]) -> float:
        asked = set(words)
        whole = [p for p in self._phrases[i] if asked.issuperset(p)]
        in_whole_phrase = {w for p in whole for w in p}
        covered = 0.0
        for word in words:
            if word in self._names[i]:
                strength = NAME_STRENGTH
            elif word in in_whole_phrase:
                strength = PHRASE_STRENGTH
            elif word in self._keyword_words[i]:
                strength = KEYWORD_STRENGTH
            elif word in self._groups[i]:
                strength = GROUP_STRENGTH
            else:
                strength = 0.0
            covered += strength * self._rarity[word]
        name = set(self._names[i])
        used = max(len(name & asked) / max(len(name), 1), WHOLE_KEYWORD if whole else 0.0)
        return covered * (0.6 + 0.4 * used)

    def _asked_mass(self, scores: Tensor) -> Tensor:
        """Share out the mass among the subjects that answer best, or nearly so."""
        share = scores / scores.max()
        mass = torch.where(share >= NEARLY_BEST, (10 * (share - 1)).exp(), 0.0)
        return mass / mass.sum()

    def _related(self, asked: Tensor, scores: Tensor) -> Tensor:
        """How much each subject has in common with those asked for: words, keywords, the group."""
        near = torch.zeros(len(self.subjects), dtype=torch.float64)
        for i in torch.nonzero(asked).flatten().tolist():
            for j in range(len(self.subjects)):
                shared = self._keyword_words[i] & self._keyword_words[j]
                common = sum(self._rarity[w] for w in shared)
                norm = self._weight_of(i) + self._weight_of(j)
                likeness = 2 * common / norm + 0.15 * (self._groups[i] == self._groups[j])
                near[j] = max(near[j], float(asked[i]) ** 0.25 * likeness)
        near = near + 0.5 * scores / scores.max()
        return torch.where(asked > 0, 0.0, near) ** 2

    def _calm(self, tail: Tensor, wanted: Tensor) -> Tensor:
        """Keep of the tail what has clearly less contrast than what is wanted."""
        limit = CALM * float((wanted * self.contrast).sum() / wanted.sum())
        calmest = self.contrast.sort().values[: len(tail) // 8]
        limit = max(limit, float(calmest[-1])) if len(calmest) else limit
        return torch.where(self.contrast <= limit, tail, 0.0)

    def _weight_of(self, i: int) -> float:
        return sum(self._rarity[w] for w in self._keyword_words[i]) or 1.0

    def _style_prior(self, hits: set[int]) -> Tensor:
        count = len(self.styles)
        if not hits or len(hits) == count:
            return torch.full((count,), 1 / count, dtype=torch.float64)
        softness = self.softness / 2
        prior = torch.full((count,), softness / (count - len(hits)), dtype=torch.float64)
        prior[sorted(hits)] = (1 - softness) / len(hits)
        return prior

    def _read(self, prompt: str) -> tuple[set[int], list[str]]:
        """Split a prompt into the styles it names and the known words of its subject."""
        words = _stems(prompt)
        style_hits, words = self._take_styles(words)
        known, replaced, ignored = [], {}, []
        for word in words:
            match = self._known_form(word)
            if match is not None:
                known.append(match)
            elif (similar := self._similar(word)) is not None:
                known.append(similar)
                replaced[word] = similar
            else:
                ignored.append(word)
        if not known and not style_hits:
            raise PromptError(self._nothing_known(prompt))
        if replaced or ignored:
            warnings.warn(_notice(prompt, replaced, ignored, known), PromptNotice, stacklevel=4)
        return style_hits, list(dict.fromkeys(known))

    def _take_styles(self, words: list[str]) -> tuple[set[int], list[str]]:
        """Find style phrases, longest first; a subject's name alone stays a subject."""
        hits: set[int] = set()
        phrases = [(p, i) for i, ps in enumerate(self._style_phrases) for p in ps]
        for phrase, style in sorted(phrases, key=lambda item: (-len(item[0]), item)):
            if len(phrase) == 1 and phrase[0] in self._name_words:
                continue
            for start in range(len(words) - len(phrase) + 1):
                if tuple(words[start : start + len(phrase)]) == phrase:
                    words = words[:start] + words[start + len(phrase) :]
                    hits.add(style)
                    break
        return hits, words

    def _known_form(self, word: str) -> str | None:
        """Return the word or a form of it ("snowy", "camping") that the atlas knows."""
        forms = [word, *(word[: -len(e)] for e in ("y", "ing", "ed", "er") if word.endswith(e))]
        forms += [form + "e" for form in forms[1:]]
        forms += [word[:-2] + "f", word[:-2] + "fe"] if word.endswith("ve") else []
        forms += [form[:-1] for form in forms[1:] if len(form) > 3 and form[-1] == form[-2]]
        return next((form for form in forms if len(form) > 1 and form in self._rarity), None)

    def _similar(self, word: str) -> str | None:
        if len(word) < 4:
            return None
        close = difflib.get_close_matches(word, sorted(self._rarity), n=1, cutoff=SPELLING_CUTOFF)
        return close[0] if close else None

    def _nothing_known(self, prompt: str) -> str:
        names = [s.name.replace("_", " ") for s in self.subjects]
        close = difflib.get_close_matches(prompt.lower(), names, n=3, cutoff=0.4)
        some = list(dict.fromkeys([*close, *names[:: max(1, len(names) // 5)]]))[:5]
        return (
            f"The atlas knows no word of the prompt {prompt!r}; "
            f"try one of its subjects, such as {', '.join(repr(name) for name in some)}."
        )


def _notice(prompt: str, replaced: dict[str, str], ignored: list[str], known: list[str]) -> str:
    parts = [f"takes {word!r} for {similar!r}" for word, similar in replaced.items()]
    if ignored:
        parts.append("does not know " + " and ".join(repr(word) for word in ignored))
    rest = f", and goes by {' '.join(known)!r}" if known else ", and goes by the style alone"
    return f"Prompt {prompt!r}: the atlas {' and '.join(parts)}{rest}."


def _stems(text: str) -> list[str]:
    """Lower-case words in the singular, without fillers."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"['’]s?\b", "", text.lower()))
    return [_singular(word) for word in words if word not in FILLER_WORDS]


def _singular(word: str) -> str:
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def _keep_largest(prior: Tensor, count: int) -> Tensor:
    """Zero all but the `count` largest entries; of equal ones the earlier stay."""
    if prior.numel() <= count:
        return prior
    order = torch.argsort(prior, descending=True, stable=True)
    kept = torch.zeros_like(prior)
    kept[order[:count]] = prior[order[:count]]
    return kept


def read_prompts(prompt: str | Iterable[str]) -> list[str]:
    """Accept one prompt or several; always return a list.

    Raises:
        ValueError: if there is none.
    """
    prompts = [prompt] if isinstance(prompt, str) else list(prompt)
    if not prompts:
        raise ValueError("Give at least one prompt; the unconditional one is the empty string.")
    return prompts
