"""Lesson 20: what tokens and an encoder must do, and the words that its exercises are given."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from checkers.engine.exercise import Case, Exercise, Observation, Verdict
from checkers.engine.judges.cases import MakeInputs
from checkers.engine.judges.inputs import draw_seed
from checkers.engine.judges.values import all_of, same_answer, same_form, same_values
from checkers.engine.sandbox.inside.running import Inputs
from checkers.your_own_words.probe import encode, write_tokens
from solutions.your_own_words import PromptEncoder, tokenize

WORDS = (
    "photo", "lithograph", "drawing", "cat", "owl", "rocket", "castle", "sun", "red", "apple",
    "teddy", "bear", "boat", "snowman", "sunflower", "8", "t-shirt", "a", "of",
)  # fmt: skip
UNKNOWN = ("the", "with", "zeppelin", "bowl", "cat,", "apples", "rock")


def vocabulary(generator: torch.Generator) -> dict[str, int]:
    """Numbers from 1 on, in an order that nobody knows; the words stand in another."""
    order = torch.randperm(len(WORDS), generator=generator).tolist()
    numbers = 1 + torch.randperm(len(WORDS), generator=generator)
    return {WORDS[place]: int(numbers[place]) for place in order}


def sentence(generator: torch.Generator, count: int, words: tuple[str, ...] = WORDS) -> str:
    """So many words, drawn from `words`."""
    chosen = torch.randint(len(words), (count,), generator=generator).tolist()
    return " ".join(words[place] for place in chosen)


# --- tokenize -------------------------------------------------------------------------------------


def _sentences(*counts: int, lengths: Sequence[int]) -> MakeInputs:
    """The same prompts for rows of each of `lengths`."""

    def inputs(generator: torch.Generator) -> Inputs:
        prompts = [sentence(generator, count) for count in counts]
        given = {"prompts": prompts, "vocabulary": vocabulary(generator)}
        return {"calls": [{**given, "length": length} for length in lengths]}

    return inputs


def _without_length(generator: torch.Generator) -> Inputs:
    """Two prompts, as a tuple, and one alone."""
    some = [sentence(generator, count) for count in (2, 5)]
    given = {"vocabulary": vocabulary(generator)}
    calls = [{"prompts": some, **given, "as_tuple": True}, {"prompts": some[:1], **given}]
    return {"calls": calls}


def _twice(generator: torch.Generator) -> Inputs:
    """Every word, in prompts of five in which the first comes back; so does the first prompt.

    They are asked for with one vocabulary and with another.
    """
    order = torch.randperm(len(WORDS), generator=generator).tolist()
    rows = [order[start : start + 5] for start in range(0, len(WORDS), 5)]
    prompts = [" ".join(WORDS[place] for place in [*row, row[0]]) for row in [*rows, rows[0]]]
    return {"calls": [{"prompts": prompts, "vocabulary": vocabulary(generator)} for _ in range(2)]}


def _capitals(generator: torch.Generator) -> Inputs:
    prompts = [sentence(generator, 3).title(), sentence(generator, 2).upper()]
    return {"calls": [{"prompts": prompts, "vocabulary": vocabulary(generator), "length": 6}]}


def _unknown(generator: torch.Generator) -> Inputs:
    """Words without a number at the beginning, in the middle and at the end.

    All words are more than `length`, those with a number are fewer.
    """
    prompts = []
    for _ in range(3):
        known, strange = sentence(generator, 3).split(), sentence(generator, 3, UNKNOWN).split()
        prompts.append(" ".join(word for pair in zip(strange, known, strict=True) for word in pair))
    prompts.append(" ".join([*UNKNOWN, WORDS[0]]))
    return {"calls": [{"prompts": prompts, "vocabulary": vocabulary(generator), "length": 4}]}


def _blanks(generator: torch.Generator) -> Inputs:
    prompts = ["  " + sentence(generator, 2).replace(" ", "   ") + " ", " "]
    return {"calls": [{"prompts": prompts, "vocabulary": vocabulary(generator), "length": 5}]}


def _asked(inputs: Inputs) -> list[str]:
    """For each call its first prompt, and the length if it is given."""
    texts = []
    for one in inputs["calls"]:
        first, *others = one["prompts"]
        length = f" with length {one['length']}" if "length" in one else ""
        texts.append(f"[{first!r}{', ...' if others else ''}]{length}")
    return texts


_same_tokens = all_of(
    same_values(what="the result", labels=_asked),
    same_answer(
        "kept",
        says="Your function changes the prompts or the vocabulary that it is given, which the "
        "next call may be given again. Make a new list or dictionary.",
    ),
)


def _tokens(title: str, points: int, inputs: MakeInputs, *, hidden: bool = False) -> Case:
    return Case(title, points, inputs, _same_tokens, write_tokens, hidden=hidden)


TOKENIZE = Exercise(
    reference=tokenize,
    cases=[
        _tokens("each word becomes its number, in the prompt's order", 2, _twice),
        _tokens("rows end with zeros, up to `length`", 1, _sentences(3, 1, 5, 0, lengths=(15, 9))),
        _tokens("without `length`, a row has 12 numbers", 1, _without_length),
        _tokens("capital letters don't count", 1, _capitals),
        _tokens("words that the vocabulary doesn't have leave no gap", 1, _unknown),
        _tokens("what goes beyond `length` is left out", 1, _sentences(7, 3, 9, lengths=[5])),
        _tokens("one prompt, and several blanks between words", 1, _blanks, hidden=True),
    ],
    hints=[
        "Begin with `torch.zeros(len(prompts), length, dtype=torch.int64)` and fill it row by row. "
        '`"An owl".lower().split()` is `["an", "owl"]`.',
        "`[vocabulary[word] for word in words if word in vocabulary][:length]` are the numbers of "
        "a row; put them into its first places.",
    ],
)


# --- PromptEncoder --------------------------------------------------------------------------------

_NUM_WORDS = 9


def _encoder(*rows: list[list[int]]) -> MakeInputs:
    """Some prompts for each of `rows`: how many words, then how many zeros, for each prompt.

    The first word of three or more comes back as their last.
    """

    def inputs(generator: torch.Generator) -> Inputs:
        tokens = []
        for lengths in rows:
            prompts = []
            for words, zeros in lengths:
                chosen = 1 + torch.randperm(_NUM_WORDS, generator=generator).repeat(2)[:words]
                if words > 2:
                    chosen[-1] = chosen[0]
                prompts.append(torch.cat([chosen, torch.zeros(zeros, dtype=torch.int64)]))
            tokens.append(torch.stack(prompts))
        return {"arguments": [_NUM_WORDS, 6], "seed": draw_seed(generator), "tokens": tokens}

    return inputs


def _every_word(generator: torch.Generator) -> Inputs:
    made = _encoder([[1, 0]])(generator)
    order = 1 + torch.randperm(_NUM_WORDS, generator=generator)
    return {**made, "tokens": [order[:, None]]}


def _same_table(observed: Observation, expected: Observation, inputs: Inputs) -> Verdict:
    """There are vectors for all numbers in one table, and nothing else is learned."""
    num_words, num_features = inputs["arguments"]
    made = f"PromptEncoder({num_words}, {num_features})"
    if observed["weights"] != expected["weights"]:
        return Verdict(
            False,
            f"The parameters of {made} have {observed['weights']} numbers; it should be "
            f"{expected['weights']}: {num_features} for each of num_words + 1 rows of its table.",
        )
    if observed["largest"] != expected["largest"]:
        return Verdict(
            False,
            f"The numbers of {made} are spread over several parameters. All vectors should be one "
            f"table, ({num_words + 1}, {num_features}), as nn.Embedding makes it.",
        )
    return Verdict(True)


NOT_FINITE = (
    "Some gradients are no finite numbers: after one step of an optimizer, what is learned "
    "wouldn't be, either. Does a prompt without words divide by zero? `torch.where` and "
    "`nan_to_num` hide that from the result, but not from the gradient. Count at least one word: "
    "`.clamp(min=1)`."
)
_same_vectors = all_of(
    _same_table,
    same_form(what="the result"),
    same_values(
        what="the result", labels=lambda inputs: [f"{t.tolist()}" for t in inputs["tokens"]]
    ),
)
_learned = all_of(
    _same_vectors,
    same_answer("finite", says=NOT_FINITE),
    same_answer(
        "reached",
        says="The gradient of a prompt's result doesn't reach the vectors of all its words, so "
        "that not all are learned. Leave out `.detach()`, `.data` and `no_grad`, and let the "
        "table learn.",
    ),
)


def _encodes(title: str, points: int, inputs: MakeInputs) -> Case:
    return Case(title, points, inputs, _same_vectors, encode)


PROMPT_ENCODER = Exercise(
    reference=PromptEncoder,
    cases=[
        _encodes("a prompt of one word gives the word's vector", 1, _every_word),
        _encodes("several words give the mean of theirs", 2, _encoder([[2, 0]], [[4, 0]] * 3)),
        _encodes(
            "zeros stand for no word and count for nothing",
            2,
            _encoder([[2, 5], [6, 1], [1, 6]], [[3, 9], [11, 1]]),
        ),
        _encodes("a prompt without a word gives zeros", 1, _encoder([[0, 4], [2, 2]])),
        Case(
            "the words' vectors can be learned",
            1,
            _encoder([[3, 0], [3, 0]], [[2, 0]], [[2, 2], [0, 4]]),
            _learned,
            encode,
        ),
    ],
    hints=[
        "`nn.Embedding(num_words + 1, num_features)` has a vector for each number from 0 to "
        "num_words; called with (B, L) numbers it gives (B, L, num_features).",
        "Words are where `tokens > 0`. As floats of shape (B, L, 1) they multiply the vectors, so "
        "that zeros add nothing.",
        "The sum over dim 1, divided by how many words there are. `.clamp(min=1)` keeps a prompt "
        "without words from dividing by zero.",
    ],
)
