"""A report as text, for terminals, and as HTML, for notebooks; never told by colour alone."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Sequence
from html import escape
from typing import Any

import torch
from PIL import Image
from pydantic import Field

from checkers.engine.check_counts import CheckCount
from checkers.engine.exercise import Pictures
from checkers.engine.report import CaseResult, Report, Status

_WIDTH = 78
_TITLE = 54
_PICTURE_SIDE = 128
_HIDDEN = '<div style="opacity:.7">Only grading runs this case.</div>'
_PRINTED_IN_TEXT = 5
_AGAIN = "For the same reason."
_START = "Start here"
_START_BADGE = f'<span style="border:1px solid;border-radius:4px;padding:0 5px">{_START}</span>'
_COUNTS = {1: "one hint is", 2: "two hints are", 3: "three hints are", 4: "four hints are"}
# White letters are read on each of them, whatever the page's own colour.
_COLOURS = {
    Status.PASSED: "#1a7f37",
    Status.WRONG: "#b42318",
    Status.NOT_ATTEMPTED: "#5b6470",
    Status.MISSING: "#5b6470",
}
_STOPPED = "#9a4b05"
_BADGE = "color:#fff;border-radius:9px;padding:1px 9px;font-size:90%"
_BRIGHTEST = 0.99  # of the differences are darker than white: a few large ones hide no others


class Card(Report):
    """A report that shows itself: as text in a terminal, as HTML in a notebook.

    Attributes:
        printed: the first lines that the function printed during the check.
        printed_count: how many lines it printed.
        checks: how often the exercise was checked; the notebook keeps it with the card.
    """

    printed: list[str] = Field(default_factory=list)
    printed_count: int = 0
    checks: CheckCount | None = Field(default=None, exclude=True)

    @classmethod
    def of(
        cls,
        report: Report,
        printed: Sequence[str] = (),
        printed_count: int = 0,
        checks: CheckCount | None = None,
    ) -> Card:
        """The card of a report."""
        return cls.model_construct(
            **dict(report), printed=list(printed), printed_count=printed_count, checks=checks
        )

    def __str__(self) -> str:
        return text_card(self) + self._printed_text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str | tuple[str, dict[str, Any]]:
        """The card, and what IPython keeps in the metadata of the cell's output."""
        html = html_card(self) + self._printed_fold()
        return html if self.checks is None else (html, self.checks.metadata())

    def _printed_text(self) -> str:
        if not self.printed_count:
            return ""
        lines = self.printed[:_PRINTED_IN_TEXT]
        shown = [f"  | {line}" for line in lines]
        return "\n".join(["", self._printed_headline(len(lines)), *shown])

    def _printed_fold(self) -> str:
        if not self.printed_count:
            return ""
        lines = "\n".join(escape(line) for line in self.printed)
        return (
            f"<details><summary>{self._printed_headline(len(self.printed))}</summary>"
            f'<pre style="margin:2px 0 0 1em">{lines}</pre></details>'
        )

    def _printed_headline(self, shown: int) -> str:
        count = "a line" if self.printed_count == 1 else f"{self.printed_count:,} lines"
        rest = f"; the first {shown}:" if self.printed_count > shown else ":"
        return f"Your code printed {count} during this check{rest}"


def text_card(report: Report) -> str:
    """The report in plain text, at most 80 columns wide."""
    if nothing_ran := _why_nothing_ran(report):
        lines = [f"{report.exercise}   {report.status}   0 of {report.max_points} points"]
        lines += _wrapped(nothing_ran.message, "  ")
        return "\n".join(lines + _problem_lines(report))
    lines = [f"{report.exercise}   {report.points} of {report.max_points} points"]
    label_width = max(len(case.status) for case in report.cases)
    first = _where_to_start(report.cases)
    for case in _in_order(report.cases):
        lines += _case_lines(case, label_width, marked=case is first)
    lines += _problem_lines(report)
    if not report.passed and report.hints:
        label = "hint".ljust(label_width)
        lines.append(f"  {label}  {_hints_waiting(report)}: hint({report.exercise})")
    return "\n".join(lines)


def html_card(report: Report, heading: int | None = None) -> str:
    """The report as one HTML fragment that needs no script and follows the page's colours.

    Args:
        report: what to show.
        heading: the level of the heading to begin with, on a page that has headings. Without one
            it stands in the lesson, where the hints are already: below the check.
    """
    tag = "div" if heading is None else f"h{heading}"
    cases = _cases_worth_showing(report)
    first = _where_to_start(cases)
    rows = "".join(_case_row(case, first) for case in cases)
    problems = "".join(f"<li>{escape(problem)}</li>" for problem in report.problems)
    return (
        '<div style="border:1px solid #8885;border-radius:6px;padding:8px 12px;max-width:46em">'
        f"<{tag}><b><code>{escape(report.exercise)}</code></b> &nbsp; "
        f"{escape(_headline(report))}</{tag}>"
        f'<div style="display:grid;grid-template-columns:max-content 1fr max-content;'
        f'gap:4px 12px;margin-top:6px">{rows}</div>'
        + (f"<ul>{problems}</ul>" if problems and not report.passed else "")
        + ("" if heading is None else _hint_folds(report))
        + "</div>"
    )


def _headline(report: Report) -> str:
    points = f"{report.points} of {report.max_points} points"
    return f"{report.status} · {points}" if _why_nothing_ran(report) else points


def _why_nothing_ran(report: Report) -> CaseResult | None:
    """The first case, if it says why none ran: there is no answer, or none by this name."""
    statuses = {case.status for case in report.cases}
    unanswered = statuses <= {Status.NOT_ATTEMPTED, Status.MISSING}
    return report.cases[0] if report.cases and unanswered else None


def _cases_worth_showing(report: Report) -> list[CaseResult]:
    """If nothing ran, one row says why."""
    nothing_ran = _why_nothing_ran(report)
    return [nothing_ran] if nothing_ran else _in_order(report.cases)


def _where_to_start(cases: Sequence[CaseResult]) -> CaseResult | None:
    """Of several cases that did not pass, the one whose mistake is known, else the first."""
    failed = [case for case in cases if case.status is not Status.PASSED]
    return next((case for case in failed if case.diagnosis), failed[0]) if failed[1:] else None


def _in_order(cases: list[CaseResult]) -> list[CaseResult]:
    """The case to start with, then the others as they come."""
    first = _where_to_start(cases)
    return _without_repetition(sorted(cases, key=lambda case: case is not first))


def _without_repetition(cases: list[CaseResult]) -> list[CaseResult]:
    """What one case has said already, the next ones need not say again."""
    said: set[str] = set()
    shown = []
    for case in cases:
        again = case.message != "" and case.message in said
        said.add(case.message)
        shown.append(case.model_copy(update={"message": _AGAIN}) if again else case)
    return shown


def _case_lines(case: CaseResult, label_width: int, *, marked: bool) -> list[str]:
    title = textwrap.wrap(case.title, _TITLE) or [""]
    status = f"{case.status:<{label_width}}"
    score = f"{case.points} / {case.max_points}"
    lines = [f"  {status}  {title[0]:<{_TITLE}}  {score}"]
    indent = " " * (label_width + 4)
    lines += [indent + rest for rest in title[1:]]
    message = f"{_START}. {case.message}" if marked else case.message
    for paragraph in (message, case.diagnosis):
        lines += _wrapped(paragraph, indent)
    return lines


def _wrapped(paragraph: str, indent: str) -> list[str]:
    lines: list[str] = []
    for line in paragraph.splitlines():
        lines += textwrap.wrap(
            line, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
    return lines


def _problem_lines(report: Report) -> list[str]:
    if report.passed:
        return []
    return [line for problem in report.problems for line in _wrapped(problem, "  note  ")]


def _hints_waiting(report: Report) -> str:
    count = len(report.hints)
    return f"{_COUNTS.get(count, f'{count} hints are')} waiting"


def _case_row(case: CaseResult, first: CaseResult | None) -> str:
    """A row; if there is a case to start with, it is marked, and what others say is folded."""
    colour = _COLOURS.get(case.status, _STOPPED)
    title = marked_up(case.title) + (_HIDDEN if case.hidden else "")
    details = "".join(
        f'<div style="margin-top:4px">{marked_up(text)}</div>'
        for text in (case.message, case.diagnosis)
        if text
    )
    if case.pictures is not None:
        details += _picture_row(case.pictures)
    if case is first:
        title = f"{_START_BADGE} {title}"
    elif first is not None and case.status is not Status.PASSED and case.message != _AGAIN:
        title = f"<details><summary>{title}</summary>{details}</details>"
        details = ""
    return (
        f'<div><b style="background:{colour};{_BADGE}">{case.status}</b></div>'
        f"<div>{title}{details}</div>"
        f"<div>{case.points} / {case.max_points}</div>"
    )


def marked_up(text: str) -> str:
    """Escape `text`, keep its line breaks and set what stands in backquotes as code."""
    parts = escape(text).split("`")
    marked = "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
    return marked.replace("\n", "<br>")


def _picture_row(pictures: Pictures) -> str:
    """Target, result and difference side by side."""
    gap = (pictures.yours - pictures.target).abs().float().nan_to_num(torch.inf, torch.inf)
    shown = (
        ("target", pictures.target / 2 + 0.5),
        ("yours", pictures.yours / 2 + 0.5),
        ("difference", gap / _white(gap)),
    )
    caption = f" at {pictures.caption}" if pictures.caption else ""
    figures = "".join(
        '<figure style="flex:0 1 auto;margin:6px 0 0;text-align:center">'
        f'<img src="{_data_uri(picture)}" {_size(picture)} alt="{name}{escape(caption)}" '
        'style="image-rendering:pixelated;max-width:100%;height:auto;outline:1px solid #8885">'
        "<figcaption>"
        f"{name}</figcaption></figure>"
        for name, picture in shown
    )
    note = "The brighter the difference, the further yours is from the target."
    row = f'<div style="display:flex;gap:10px">{figures}</div>'
    return f'{row}<div style="opacity:.7">{note}</div>'


def _white(gap: torch.Tensor) -> torch.Tensor:
    """The difference to show as white."""
    finite = gap[gap.isfinite()]
    if not len(finite):
        return gap.new_tensor(1.0)
    common = finite.quantile(_BRIGHTEST)
    return (common if common > 0 else finite.max()).clamp(min=1e-12)


def _size(picture: torch.Tensor) -> str:
    """Width and height to show a (C, H, W) picture with; the longer side is the same for all."""
    height, width = picture.shape[-2:]
    scale = _PICTURE_SIDE / max(height, width, 1)
    return f'width="{max(1, round(width * scale))}" height="{max(1, round(height * scale))}"'


def _data_uri(picture: torch.Tensor) -> str:
    """A (C, H, W) picture in [0, 1] as a PNG in a data URI; values outside are clipped."""
    pixels = (picture.nan_to_num(0.0).clamp(0, 1) * 255).round().to(torch.uint8)
    pixels = pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _hint_folds(report: Report) -> str:
    """Hints one inside the other, so that each is a decision."""
    if report.passed or not report.hints:
        return ""
    fold = ""
    for number, text in reversed(list(enumerate(report.hints, 1))):
        fold = (
            f"<details><summary>Show hint {number} of {len(report.hints)}</summary>"
            f'<div style="padding:2px 0 2px 1em">{marked_up(text)}{fold}</div></details>'
        )
    return fold
