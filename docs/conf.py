"""Sphinx: ``sphinx-build -W docs docs/_build``. Nothing is fetched from the network to build."""

import re
from pathlib import Path

project = "ganvas"
author = "the ganvas authors"
copyright = "the ganvas authors, Apache-2.0"
source = Path(__file__).parents[1] / "src" / "ganvas" / "version.py"
release = re.findall(r'__version__ = "(.+)"', source.read_text("utf-8"))[0]
extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"ganvas {release}"
