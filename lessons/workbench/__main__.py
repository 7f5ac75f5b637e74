"""`python -m lessons.workbench doctor`: what DeepFloyd IF needs, and what of it is there."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def workbench() -> None:
    """Tools for the machine the course runs on."""


@app.command()
def doctor(
    model: Annotated[Path | None, typer.Option(help="A local copy of the first stage.")] = None,
) -> None:
    """List what DeepFloyd IF needs, with the remedy for what is missing (exit code 1)."""
    from lessons.workbench.denoisers.preflight import requirements

    out = Console(highlight=False, soft_wrap=True)
    missing = 0
    for requirement in requirements(model):
        word = "yes" if requirement.met else "no "
        out.print(f"{word}  {requirement.name}: {requirement.found}", markup=False)
        if not requirement.met:
            missing += 1
            out.print(f"     {requirement.remedy}", markup=False)
    out.print()
    if missing:
        out.print("load_denoiser('atlas') needs none of this.", markup=False)
    raise typer.Exit(1 if missing else 0)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal need not know every character
    app()
