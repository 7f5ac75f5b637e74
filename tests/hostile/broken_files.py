"""Files that are broken or set a trap before any code runs, and how each must be treated.

The large ones are made when a test asks for them. A builder writes into an empty folder and returns
the path of what is handed in.
"""

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
NOTEBOOK = "01_forward_noising.ipynb"
RIGHT = """
import torch
def forward(im, t, alphas_cumprod, noise=None):
    noise = torch.randn_like(im) if noise is None else noise
    return alphas_cumprod[t].sqrt() * im + (1 - alphas_cumprod[t]).sqrt() * noise
"""


@dataclass(frozen=True)
class Broken:
    """One such file.

    Attributes:
        name: what it is.
        build: makes it in a folder.
        treatment: "read" if the code in it counts, "refused" if a sentence must say why not.
        words: a word of that sentence.
    """

    name: str
    build: Callable[[Path], Path]
    treatment: str
    words: str = ""


def notebook(*sources: str, outputs: list | None = None, **changes: object) -> str:
    """A notebook of these code cells, as JSON; `changes` replaces its entries."""
    cells = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": outputs or []}
        for source in sources
    ]
    return json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **changes}
    )


def _text(content: str | bytes, name: str = NOTEBOOK) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return build


def _outputs_of_50_mb(folder: Path) -> Path:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * (50 * MIB)}
    return _text(notebook(RIGHT, outputs=[output]))(folder)


def _201_mb(folder: Path) -> Path:
    """Sparse on disk: its size is what must be looked at before it is opened."""
    path = _text(notebook(RIGHT))(folder)
    os.truncate(path, 201 * MIB)
    return path


def _zip(**files: bytes | str) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / "submission.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return build


def _zip_bomb(folder: Path) -> Path:
    """Half a megabyte that unpacks to 512."""
    return _zip(**{NOTEBOOK: bytes(512 * MIB)})(folder)


def _zip_with_link(folder: Path) -> Path:
    path = folder / "submission.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo(NOTEBOOK)
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return path


def _zip_of_zips(folder: Path) -> Path:
    """Each layer a zip of the last; nobody needs to look into all of them."""
    content, name = notebook(RIGHT).encode(), NOTEBOOK
    for layer in range(30):
        inner = folder / f"layer{layer}.zip"
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        content, name = inner.read_bytes(), "inner.zip"
        inner.unlink()
    path = folder / "submission.zip"
    path.write_bytes(content)
    return path


FILES = (
    Broken("truncated", _text(notebook(RIGHT)[:-40]), "refused", "damaged"),
    Broken("empty", _text(""), "refused", "empty"),
    Broken("not UTF-8", _text(notebook(RIGHT).encode("utf-16")), "refused", "UTF-8"),
    Broken("201 MB", _201_mb, "refused", "larger"),
    Broken(
        "version 3", _text(json.dumps({"worksheets": [], "nbformat": 3})), "refused", "version 3"
    ),
    Broken("a list", _text("[1, 2]"), "refused", "not a notebook"),
    Broken("nested too deep", _text("[" * 10**6), "refused", "damaged"),
    Broken("cells of no kind", _text(notebook(cells=[1, None, {"cell_type": []}])), "read"),
    Broken("outputs of 50 MB", _outputs_of_50_mb, "read"),
    Broken("a newline in its name", _text(notebook(RIGHT), "01_forward\nnoising.ipynb"), "read"),
    Broken("markup in its name", _text(notebook(RIGHT), "<b onclick=x>&.ipynb"), "read"),
)
"""What a reader of single files meets."""

ARCHIVES = (
    Broken("an honest zip", _zip(**{NOTEBOOK: notebook(RIGHT)}), "read"),
    Broken("no zip", _text(b"PK\3\4 and no more", "submission.zip"), "refused"),
    Broken("zip slip", _zip(**{f"../../{NOTEBOOK}": notebook(RIGHT)}), "refused"),
    Broken("absolute path", _zip(**{f"/tmp/hostile-was-here/{NOTEBOOK}": "{}"}), "refused"),
    Broken("zip bomb", _zip_bomb, "refused"),
    Broken("many files", _zip(**{f"{n}.ipynb": "" for n in range(20000)}), "refused"),
    Broken("a link to /etc/passwd", _zip_with_link, "refused"),
    Broken("zips in zips", _zip_of_zips, "refused"),
    Broken("a newline in a name", _zip(**{"01_forward\nnoising.ipynb": notebook(RIGHT)}), "read"),
)
"""What a reader of archives meets. None may write outside the folder it reads into."""
