"""Sphinx: ``make docs``. Why Sphinx: decisions/0006-documentation.md."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

import taskstatus  # noqa: E402

project = "taskstatus"
author = "The taskstatus developers"
release = version = taskstatus.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["schema"]
html_theme = "furo"
html_title = f"taskstatus {release}"
html_extra_path = ["asyncapi.yaml", "schema"]

myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
