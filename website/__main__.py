"""Build the website: `python -m website`, or `make site`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

from website.course import ROOT, SOLVED, Repository, lesson_pages, repository
from website.downloads import with_setup
from website.pages import front_page, lesson_page

_MARK = ".buildinfo"  # Sphinx writes it
_FRONT_PICTURES = ("readme_samples.png", "readme_denoising.png")


class SiteError(ValueError):
    """A site that can't be built; the message is one sentence."""


def build(out_folder: Path, repo: Repository, only: Sequence[str] = ()) -> None:
    """Build the site.

    Args:
        out_folder: where it goes, in the place of an earlier site.
        repo: where the course is kept.
        only: numbers of lessons, for a quick look; all if empty.

    Raises:
        SiteError: if the folder holds something else, or Sphinx warns of anything.
    """
    if not _may_replace(out_folder):
        raise SiteError(f"{out_folder} holds something else than an earlier site: name another.")
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder) / "source", Path(folder) / "built"
        write_sources(source, repo, only)
        options = ["-b", "html", "-q", "-W", "--keep-going", "-d", f"{folder}/doctrees"]
        if build_main([*options, str(source), str(built)]):
            raise SiteError("Not built: what Sphinx says above has to be mended first.")
        shutil.rmtree(out_folder, ignore_errors=True)
        shutil.copytree(built, out_folder)


def _may_replace(folder: Path) -> bool:
    """Whether there is nothing in the folder's place, or an earlier site."""
    if not folder.is_dir():
        return not folder.exists()
    return (folder / _MARK).exists() or not any(folder.iterdir())


def write_sources(source: Path, repo: Repository, only: Sequence[str] = ()) -> None:
    """Write what Sphinx reads into a new folder: pages, pictures, settings, downloads."""
    (source / "extra" / "notebooks").mkdir(parents=True)
    shutil.copytree(ROOT / "website" / "static", source / "static")
    shutil.copy(ROOT / "website" / "conf.py", source)
    shutil.copytree(SOLVED / "pictures", source / "pictures")
    for name in _FRONT_PICTURES:
        shutil.copy(ROOT / "datasets" / "pictures" / name, source / "pictures")
    chosen = [page for page in lesson_pages() if not only or page.number in only]
    (source / "index.md").write_text(front_page(repo, chosen), encoding="utf-8")
    for page in chosen:
        nbformat.write(lesson_page(page, repo), source / f"{page.name}.ipynb")
        if repo.address:
            nbformat.write(
                with_setup(page, repo), source / "extra" / "notebooks" / f"{page.name}.ipynb"
            )


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--only", nargs="*", default=(), help="numbers of lessons: a quick look")
    options = parser.parse_args()
    try:
        build(options.out, repository(), options.only)
    except SiteError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(f"Built: open {options.out / 'index.html'} in a browser.")


if __name__ == "__main__":
    main()
