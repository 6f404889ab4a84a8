"""Settings of Sphinx: Markdown pages, and a reference made from the docstrings."""

from importlib.metadata import version as version_of

project = "sansio_eio"
author = "sansio_eio contributors"
version = release = version_of("sansio-eio")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["examples/**/node_modules", "_build"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"sansio_eio {version}"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Docstrings say `name` for a name, in one pair of backticks.
default_role = "code"
