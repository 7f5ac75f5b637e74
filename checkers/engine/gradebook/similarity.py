"""Whose code agrees more than the class's does: hints for the instructor where to look, no proof.

Code is taken as runs of tokens, with names, numbers and texts made alike, so that renaming hides
nothing. Exercises here are short and right answers look alike, so what more than a few in the class
wrote says nothing and is left out; two answers agree by the cosine of the rest, the rarer a run the
heavier. A pair is named only if both wrote much that is rare, and most of it is the same; pairs
that share a student are one group, so that one answer that went round hides no other.
"""

from __future__ import annotations

import io
import keyword
import tokenize
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from checkers.engine.gradebook.names import alphabetical

RUN = 6
"""Tokens in a row."""
MIN_CLASS = 8
"""In a smaller class nothing can stand out."""
FEW = 0.1
"""What a larger share of the class wrote (and more than two) says nothing."""
MIN_RUNS = 20
"""Answers with fewer rare runs are too short, or too much like the others, to say anything."""
CLEARLY = 0.6
"""Two answers that agree less are not named."""
MAX_GROUPS = 20
_COLUMNS = 2**20
MAX_CODE = 200_000
"""Characters of a file that are looked at; no answer is that long."""


@dataclass(frozen=True)
class Group:
    """Two or more students whose answers to a lesson agree.

    Attributes:
        lesson: its name.
        students: their names; each agrees clearly with another one.
        agreement: the least of the pairs that agree clearly: 1 in all that is their own.
    """

    lesson: str
    students: tuple[str, ...]
    agreement: float


@dataclass
class Similarity:
    """Collects a class's code, one student at a time.

    Attributes:
        written: by lesson, (student, the hashes of the runs of tokens).
    """

    written: dict[str, list[tuple[str, np.ndarray]]] = field(default_factory=dict)

    def add(self, student: str, lesson: str, runs: np.ndarray) -> None:
        """Take in a student's answer to a lesson, as `hashed_runs` gives it."""
        self.written.setdefault(lesson, []).append((student, runs))

    def groups(self) -> list[Group]:
        """The groups that stand out, those that agree most first."""
        found = [group for lesson in self.written for group in self._groups_of(lesson)]
        return sorted(found, key=lambda group: -group.agreement)[:MAX_GROUPS]

    def _groups_of(self, lesson: str) -> Iterator[Group]:
        from scipy.sparse.csgraph import connected_components

        names = np.array([name for name, _ in self.written[lesson]])
        if len(names) < MIN_CLASS:
            return
        agreement = agreements([row for _, row in self.written[lesson]])
        # What one student handed in twice says nothing.
        clear = (agreement >= CLEARLY) & (names[:, None] != names[None, :])
        count, group_of = connected_components(clear, directed=False)
        for number in range(count):
            among = clear & (group_of == number)[:, None]
            if among.any():
                students = tuple(sorted({*names[group_of == number].tolist()}, key=alphabetical))
                yield Group(lesson, students, float(agreement[among].min()))


def agreements(rows: list[np.ndarray]) -> np.ndarray:
    """Cosines between all answers, each a set of hashes: (n, n), from 0 to 1."""
    from scipy.sparse import csr_array

    ends = np.cumsum([0, *map(len, rows)])
    _, columns, counts = np.unique(np.concatenate(rows), return_inverse=True, return_counts=True)
    weights = np.where(counts <= max(2, FEW * len(rows)), np.log(len(rows) / counts), 0)
    table = csr_array((weights[columns], columns, ends), shape=(len(rows), len(counts)))
    table.eliminate_zeros()
    own = np.diff(table.indptr)
    lengths = np.sqrt(table.power(2).sum(axis=1))
    scale = np.where(own >= MIN_RUNS, 1 / np.maximum(lengths, 1e-9), 0)
    return (table @ table.T).toarray() * scale[:, None] * scale[None, :]


def hashed_runs(cells: Iterable[tuple[str, str]]) -> np.ndarray:
    """The runs of tokens in a file's code, each as a number, in order and once each: (n,) int32."""
    left, runs = MAX_CODE, set()
    for _, source in cells:
        runs.update(
            zlib.crc32("\0".join(run).encode()) % _COLUMNS for run in runs_of(source[:left])
        )
        left = max(0, left - len(source))
    return np.array(sorted(runs), dtype=np.int32)


def runs_of(source: str) -> Iterator[tuple[str, ...]]:
    """Every `RUN` tokens in a row, names, numbers and texts made alike, comments left out."""
    tokens = list(_tokens(source))
    for start in range(len(tokens) - RUN + 1):
        yield tuple(tokens[start : start + RUN])


def _tokens(source: str) -> Iterator[str]:
    after_dot = False
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            match token.type:
                case tokenize.NAME:
                    # Methods and modules' functions say what is done; other names are free.
                    kept = after_dot or keyword.iskeyword(token.string)
                    yield token.string if kept else "name"
                case tokenize.NUMBER:
                    yield "0"
                case tokenize.STRING:
                    yield "text"
                case tokenize.OP | tokenize.INDENT | tokenize.DEDENT:
                    yield token.string.strip() or tokenize.tok_name[token.type]
            after_dot = token.type == tokenize.OP and token.string == "."
    except (tokenize.TokenError, SyntaxError):
        return  # the rest of a cell that is no Python
