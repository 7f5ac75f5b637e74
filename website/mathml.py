"""Formulas as MathML, written when the site is built: no script, no font, and a reader reads them.

A Sphinx extension. The formulas are converted by math-core; one that it can't read stops the build.
"""

from __future__ import annotations

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

_CONVERTER = LatexToMathML()
_LOGGER = logging.getLogger(__name__)


def mathml(latex: str, *, block: bool) -> str:
    """A formula as a `<math>` element.

    Args:
        latex: the formula, without its dollar signs.
        block: whether it stands on its own line.

    Raises:
        math_core.LatexError: if it can't be read.
    """
    return _CONVERTER.convert_with_local_state(latex, displaystyle=block)


def _written(node: nodes.math | nodes.math_block, *, block: bool) -> str:
    """The formula of a node; one that can't be read is a warning, which the build counts."""
    try:
        return mathml(node.astext(), block=block)
    except LatexError as error:
        _LOGGER.warning("Formula %s: %s", node.astext(), error, location=node)
        return ""


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_written(node, block=False))
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(_written(node, block=True))
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer as `mathml`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
