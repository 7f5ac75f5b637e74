"""A model whose guess is known, in the place of a network that is told words."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from checkers.engine.worlds.refusals import only_float32, times_of


class KnownGuess(nn.Module):
    """A model whose guess is known: a part of what it sees, a pattern of its words, and its time.

    Args:
        words: (num_words + 1, 3, 1, 1), the colour that each word adds.
        pattern: (3, H, W), what the time multiplies.
    """

    def __init__(self, words: Tensor, pattern: Tensor) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.tensor(0.4))
        self.register_buffer("words", words)
        self.register_buffer("pattern", pattern)

    def forward(self, x: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        """The guess.

        Raises:
            TypeError: if a real network could not take what it is given.
        """
        only_float32("x", x)
        time = times_of(t, len(x)).view(-1, 1, 1, 1).to(x.dtype)
        for name, count in (("prompts", len(tokens)), ("times", t.numel())):
            if count != len(x):
                raise TypeError(f"the model gets {len(x)} pictures but {count} {name}")
        colour = self.get_buffer("words")[tokens].sum(dim=1)
        return self.share * x + colour + time * self.get_buffer("pattern")
