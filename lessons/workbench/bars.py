"""A progress bar that is drawn anew in one place of the notebook, and is no widget."""

from __future__ import annotations

import html
import os
import sys
import time
from typing import Any, Protocol

_DRAW_SECONDS = 0.25
# A page that was reloaded gets no news; every update begins the wait for this sentence again.
_AFTER_A_RELOAD = (
    "<style>@keyframes course-late {{ to {{ font-size: 90%; line-height: 1.4 }} }}</style>"
    '<div style="font-size:0; line-height:0; animation:course-late 0s 20s forwards">'
    "Was the page reloaded? Then this bar stands still, though the work goes on. Press stop, then "
    "run the cell again: {}.</div>"
)


class Bar(Protocol):
    """What a bar can do, wherever it is shown."""

    def update(self, done: int, note: str = "") -> None:
        """So many are `done` now, of all."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


def in_notebook() -> bool:
    """Whether this runs in a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython.get_ipython() if ipython else None, "kernel", None) is not None


def make_bar(
    total: int,
    done: int,
    what: str,
    *,
    unit: str = "",
    leave: bool = False,
    goes_on: str = "",
) -> Bar:
    """A bar in the notebook or in a terminal; one that shows nothing where nobody would see it.

    Args:
        total: how much there is to do.
        done: how much of it was done before.
        what: is being done.
        unit: of what is counted; "" for a share in percent alone.
        leave: whether it stays when it is closed.
        goes_on: what the cell does if it is stopped and run again, "it goes on where it was" for
            instance. Who has reloaded the page is told so when there was no news for 20 seconds;
            "" tells nothing.

    Returns:
        The bar. The environment variable TQDM_DISABLE=1 turns it off.
    """
    if os.environ.get("TQDM_DISABLE"):
        return _NoBar()
    if in_notebook():
        return _NotebookBar(total, done, what, unit, leave, goes_on)
    return _TerminalBar(total, done, what, leave) if sys.stderr.isatty() else _NoBar()


class _NoBar:
    def update(self, done: int, note: str = "") -> None: ...

    def close(self) -> None: ...


class _TerminalBar:
    def __init__(self, total: int, done: int, what: str, leave: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=total, initial=done, desc=what, leave=leave)

    def update(self, done: int, note: str = "") -> None:
        self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _NotebookBar:
    def __init__(
        self, total: int, done: int, what: str, unit: str, leave: bool, goes_on: str
    ) -> None:
        self._goes_on = goes_on
        self._total, self._before, self._done = total, done, done
        self._what, self._unit, self._leave = what, unit, leave
        self._note, self._display = "", None
        self._began = time.monotonic()
        self._next = 0.0

    def update(self, done: int, note: str = "") -> None:
        self._done, self._note = done, note
        if time.monotonic() >= self._next:
            self._draw()
            self._next = time.monotonic() + _DRAW_SECONDS

    def close(self) -> None:
        if self._display is not None and self._leave:
            self._draw(closed=True)
        elif self._display is not None:
            self._display.update({"text/html": "", "text/plain": ""}, raw=True)
        self._display = None

    def _draw(self, *, closed: bool = False) -> None:
        from IPython.display import display

        text = self._text(closed)
        page = (
            '<div style="display:flex; flex-wrap:wrap; gap:2px 12px; align-items:center">'
            f"<span>{html.escape(self._what)}</span>"
            f'<progress aria-label="{html.escape(self._what)}" max="{self._total}" '
            f'value="{self._done}" style="width:240px; accent-color:#1a73e8"></progress>'
            f'<span style="font-variant-numeric:tabular-nums">{html.escape(text)}</span></div>'
        )
        if self._goes_on and not closed:
            page += _AFTER_A_RELOAD.format(html.escape(self._goes_on))
        shown = {"text/html": page, "text/plain": f"{self._what}: {text}"}
        if self._display is None:
            self._display: Any = display(shown, raw=True, display_id=True)
        else:
            self._display.update(shown, raw=True)

    def _text(self, closed: bool) -> str:
        """How far it is, how long that took, and how long the rest takes."""
        passed = time.monotonic() - self._began
        new = self._done - self._before
        parts = [f"{self._done / self._total:.0%}"]
        if self._unit:
            parts = [f"{self._done:,} of {self._total:,} {self._unit}"]
        parts.append(f"{_minutes(passed)} passed")
        if new > 0 and not closed:
            parts[-1] += f", {_minutes(passed * (self._total - self._done) / new)} left"
        return " · ".join([*parts, *([self._note] if self._note else [])])


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
