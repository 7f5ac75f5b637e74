"""What Sphinx reads: the pages are notebooks, and nothing on them comes from another server."""

from website.course import TITLE

project = TITLE
html_title = TITLE
language = "en"
extensions = ["myst_nb", "sphinx.ext.githubpages", "website.lesson_links", "website.mathml"]
nb_execution_mode = "off"
myst_enable_extensions = ["attrs_block", "dollarmath"]
html_math_renderer = "mathml"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["style.css"]
html_extra_path = ["extra"]
html_use_index = False
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
