"""The card of a wrong answer before its mistake has a name, which can take seconds to find."""

from __future__ import annotations

import time

from checkers.engine.card import Card
from checkers.engine.report import Report
from lessons.workbench.bars import in_notebook

PATIENCE = 0.5
"""Seconds that a check may take before its verdicts are shown without waiting for the rest."""
_SEARCHING = "Still comparing with known mistakes, to tell you which one it may be."


class FirstVerdicts:
    """Shows a report as it is so far, once, until the cell has its value.

    Attributes:
        shown: whether it did.
    """

    def __init__(self) -> None:
        self.shown = False
        self._begun = time.monotonic()

    def show(self, report: Report) -> None:
        """Show `report` if this check has gone on for long, and a notebook is there to show it."""
        if self.shown or time.monotonic() - self._begun < PATIENCE or not in_notebook():
            return
        from IPython.display import HTML, display

        self.shown = True
        display(Card.of(report), HTML(f"<i>{_SEARCHING}</i>"))

    def remove(self) -> None:
        """Take back what was shown: the whole card comes now."""
        if self.shown:
            from IPython.display import clear_output

            clear_output()
