"""The website: every lesson, every link and every picture is there, and nothing comes from afar."""

import copy
import re
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from built_site import MADE_UP, built_site, pages

from checkers.engine.registry import all_lessons
from website.__main__ import SiteError, build, main
from website.course import Repository, repository
from website.mathml import mathml

LESSONS = [lesson.notebook.stem for lesson in all_lessons()]
LOADS = {  # elements that fetch something by themselves
    "audio": "src", "embed": "src", "iframe": "src", "image": "href", "img": "src", "input": "src",
    "object": "data", "script": "src", "source": "src", "track": "src", "use": "href",
    "video": "src",
}  # fmt: skip


def addresses():
    """Page and address of every link, picture, script and style sheet."""
    for name, page in pages().items():
        for element in page.find_all(True):
            for attribute in ("href", "src"):
                if address := element.get(attribute):
                    yield name, element, address


def is_elsewhere(address):
    return re.match(r"(https?:)?//", address) is not None


def test_every_lesson_has_a_page_and_leads_to_its_neighbours():
    assert set(pages()) == {f"{name}.html" for name in LESSONS} | {"index.html", "search.html"}
    for before, after in zip(["index", *LESSONS], LESSONS, strict=False):
        heading = pages()[f"{after}.html"].find("h1").text
        assert heading.startswith(after[:2])
        assert pages()[f"{before}.html"].select(f'a.next-page[href="{after}.html"]')
        assert pages()[f"{after}.html"].select("a.prev-page[href]")
        assert pages()["index.html"].select(f'.lessons a[href="{after}.html"]')


def test_no_link_is_broken():
    checked = 0
    for name, _, address in addresses():
        if is_elsewhere(address) or address.startswith(("data:", "mailto:")):
            continue
        path, fragment = urldefrag(unquote(address))
        path = path.partition("?")[0] or name
        assert (built_site() / path).is_file(), f"{name}: {address}"
        if fragment and path.endswith(".html"):
            page = pages()[path]
            assert page.find(id=fragment) or page.find(attrs={"name": fragment}), address
        checked += 1
    assert checked > 20 * len(LESSONS)


def test_every_picture_has_its_text():
    images = [image for page in pages().values() for image in page.find_all("img")]
    assert len(images) > 10 * len(LESSONS)
    assert not [image["src"][:60] for image in images if not image.get("alt", "").strip()]


def test_nothing_is_loaded_from_elsewhere():
    loading = [
        (name, address)
        for name, element, address in addresses()
        if is_elsewhere(address) and (element.name in LOADS or element.name == "link")
    ]
    assert not loading
    for path in built_site().rglob("*.css"):
        style = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"""(url\(|@import)\s*["']?(https?:)?//""", style), path
    inline = [page.find_all("style") for page in pages().values()]
    assert not [style for styles in inline for style in styles if "//" in style.text]


@pytest.mark.parametrize("name", LESSONS)
def test_solutions_are_folded_and_the_stubs_are_not(name):
    page = pages()[f"{name}.html"]
    lesson = nbformat.read(next(x.notebook for x in all_lessons() if x.notebook.stem == name), 4)
    stubs = [cell for cell in lesson.cells if "stub" in cell.metadata.get("course", {})]
    folds = page.select("details.solution")
    assert len(folds) == len(stubs)
    assert not any(fold.has_attr("open") for fold in page.find_all("details"))
    assert all("def " in fold.find("pre").text for fold in folds)
    article = copy.copy(page.find("article"))
    for fold in article.select("details.solution"):
        fold.extract()
    shown = article.text
    for stub in stubs:
        assert stub.source.strip() in shown


@pytest.mark.parametrize("name", LESSONS)
def test_formulas_are_no_longer_in_dollars(name):
    article = copy.copy(pages()[f"{name}.html"].find("article"))
    for element in article.find_all(["pre", "code", "annotation"]):
        element.decompose()
    assert not re.search(r"\$|\\(frac|sqrt|bar|epsilon)\b", article.text)


def test_a_formula_that_cannot_be_read_is_no_page(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("website.__main__.front_page", lambda *_: "# Course\n\n$\\nosuch$\n")
    with pytest.raises(SiteError, match="mended"):
        build(tmp_path / "site", MADE_UP, ["00"])
    assert "nosuch" in capfd.readouterr().err
    assert not (tmp_path / "site").exists()


def test_a_formula_is_an_element_that_readers_read():
    assert mathml(r"\sqrt{x}", block=True).startswith('<math display="block">')
    assert "<msqrt>" in mathml(r"\sqrt{x}", block=False)


def test_lessons_are_opened_in_colab_and_downloaded_from_one_address():
    for name in LESSONS:
        colab, download = pages()[f"{name}.html"].select(".run-it a")
        assert colab["href"] == (
            "https://colab.research.google.com/github/somebody/diffusion-by-building/blob/gh-pages/"
            f"notebooks/{name}.ipynb"
        )
        assert (built_site() / download["href"]).is_file()


def test_without_an_address_no_link_leads_nowhere(tmp_path):
    build(tmp_path / "site", Repository("", "gh-pages"), ["01"])
    text = (tmp_path / "site" / "01_forward_noising.html").read_text("utf-8")
    assert "colab" not in text
    assert "run-it" not in text
    assert not list((tmp_path / "site").rglob("*.ipynb"))


def test_the_setting_is_an_address_of_github_or_nothing():
    assert re.fullmatch(r"(https://github\.com/[\w.-]+/[\w.-]+)?", repository().address)


def test_what_is_no_earlier_site_stays(tmp_path, monkeypatch, capsys):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    monkeypatch.setattr("sys.argv", ["website", "--out", str(tmp_path), "--only", "00"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "name another" in capsys.readouterr().err
    assert mine.read_text() == "mine"


def test_a_lesson_that_is_named_is_a_link_and_code_is_left_alone():
    page = pages()[f"{LESSONS[6]}.html"]
    links = {link.text: link["href"] for link in page.select("article p a.internal, p a.reference")}
    assert links["04"] == f"{LESSONS[4]}.html" and links["05"] == f"{LESSONS[5]}.html"
    assert not page.select("pre a")
    assert not [
        link for link in page.select("article p a") if link.get("href") == f"{LESSONS[6]}.html"
    ]
