"""Check your answers: `check(forward)` in a notebook, `python -m checkers` in a terminal."""

from checkers.notebook import check, hint, when_ready

__all__ = ["check", "hint", "when_ready"]
