"""Settings of the documentation: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE), str(HERE.parent)]

project = "Blindspot"
author = "The Blindspot developers"
copyright = "The Blindspot developers, Apache-2.0"
release = version = installed("blindspot-denoising")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "command_help",
    "drawn_figures",
    "reference_pages",
    "stored_results",
]
exclude_patterns = ["_build", "drawings", "extensions"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False  # types such as 'Tensor, shape (N, C)' are prose, not names to link
napoleon_use_ivar = True
autosummary_generate = False
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# "shape", "path" and others name attributes of several classes; an ambiguous link to one of them is left out.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "Blindspot"
html_static_path = ["static"]
html_css_files = ["blindspot.css"]
html_copy_source = False
html_show_sourcelink = False
copybutton_prompt_text = "$ "


def plain_types(
    app: Any, what: str, name: str, value: Any, options: Any, signature: str, returned: str
) -> tuple[str, str]:
    """Signature without the marks that shorten links, which stay visible where a type is no link."""
    return tuple(text and text.replace("~typing.", "").replace("~", "") for text in (signature, returned))


def setup(app: Any) -> None:
    """Shorten the types in signatures."""
    app.connect("autodoc-process-signature", plain_types)
