# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The documentation builds without a warning and documents every public name; its figures are the stored results'."""

import importlib
import importlib.util
import re
import subprocess
import sys

import pytest
from markdown_pages import PAGES, ROOT, name_of

MODULES = [
    "tfdgsu",
    *(f"tfdgsu.{name}" for name in ("policies", "methods", "export", "micro_runtime", "study", "plots")),
]
# What a page of its own is about, and a string.
NOT_LISTED = {"tfdgsu.__version__", "tfdgsu.policies"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if importlib.util.find_spec("sphinx") is None:
        pytest.skip("needs sphinx: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("docs")
    flags = ["-q", "-W", "--keep-going", "-E", "-d", str(folder / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *flags, "-c", "docs", ".", str(folder / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_every_page_is_in_the_site(site):
    missing = [name for name in map(name_of, PAGES) if not (site / name).with_suffix(".html").is_file()]
    assert not missing
    assert "docs/index.html" in (site / "index.html").read_text()


def test_pages_fit_a_phone(site):
    page = (site / "docs" / "index.html").read_text()
    assert 'name="viewport"' in page
    assert "tfdgsu.css" in page


def test_public_names_are_in_the_reference(site):
    listed = set(re.findall(r'id="(tfdgsu[\w.]*)"', "".join(p.read_text() for p in (site / "docs").rglob("*.html"))))
    public = {f"{name}.{item}" for name in MODULES for item in importlib.import_module(name).__all__}
    # Some are listed under the module that users import them from.
    missing = {name for name in public - NOT_LISTED if name not in listed}
    assert missing - {"tfdgsu.micro_runtime.load_checkpoint"} == set()
    assert "tfdgsu.load_checkpoint" in listed


def test_docstrings_render_as_sections(site):
    """Examples are code; no section of a docstring is left as text."""
    pages = {path.name: path.read_text() for path in (site / "docs" / "reference").glob("*.html")}
    assert sum(page.count('class="rubric">Example') for page in pages.values()) > 5
    left = r"<blockquote>.{0,200}|<p>(?:Args|Returns|Raises|Attributes|Example):"
    assert {name: found for name, page in pages.items() if (found := re.findall(left, page, re.DOTALL))} == {}


def test_arena_tables_are_those_of_the_stored_results(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    figures, generated_parts = (importlib.import_module(name) for name in ("docs_figures", "generated_parts"))
    parts = figures.read_parts()
    assert parts
    assert generated_parts.outdated(figures.PAGE, figures.SOURCE, parts) == [], "run python benchmarks/docs_figures.py"


def test_the_drawing_is_readable_in_the_dark():
    drawing = (ROOT / "docs" / "concepts" / "method.svg").read_text(encoding="utf-8")
    light, _, dark = drawing.partition("prefers-color-scheme: dark")
    names = set(re.findall(r"\.(\w+) \{", light.partition("<style>")[2])) - {"small", "strong"}
    assert names
    assert names <= set(re.findall(r"\.(\w+) \{", dark.partition("</style>")[0]))
    assert "<title" in drawing
