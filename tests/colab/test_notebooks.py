# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The notebooks are clean, install what the repository is, and their badges and links lead somewhere."""

import importlib.util
import json
import os
import pathlib
import re
import sys
import tomllib
import urllib.parse

import markdown_pages
import nbformat
import pytest
from markdown_it import MarkdownIt

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import notebooks

ROOT = notebooks.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"

every_notebook = pytest.mark.parametrize("path", notebooks.PATHS, ids=lambda path: path.name)


def badge_of(path):
    """Where a notebook is opened in Colab."""
    owner_and_name = REPOSITORY.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{owner_and_name}/blob/main/colab/{path.name}"


def test_there_are_three():
    assert [path.name for path in notebooks.PATHS] == [
        "1_memory_budget.ipynb",
        "2_train_in_tflm.ipynb",
        "3_on_a_board.ipynb",
    ]


@every_notebook
def test_outputs_are_stripped(path):
    notebook = notebooks.read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    # As Jupyter writes it, so that saving one without a change leaves no difference.
    assert path.read_text(encoding="utf-8") == nbformat.writes(notebook) + "\n"


@every_notebook
def test_the_first_cell_has_licence_and_badge(path):
    first = notebooks.read(path).cells[0]
    assert "SPDX-License-Identifier: Apache-2.0" in first.source
    assert f"[![Open in Colab]({BADGE})]({badge_of(path)})" in first.source


@every_notebook
def test_the_first_code_installs_the_repository(path):
    first = next(cell for cell in notebooks.read(path).cells if cell.cell_type == "code")
    (extra,) = re.findall(
        rf'%pip install -q "tfdgsu\[(\w+)\] @ git\+{re.escape(REPOSITORY)}"$', first.source, re.MULTILINE
    )
    installed = {re.split(r"\W", requirement)[0] for requirement in PROJECT["optional-dependencies"][extra]}
    assert {"scikit", "matplotlib"} <= installed
    assert first.source.startswith("try:\n    import tfdgsu\nexcept ImportError:\n    %pip")


@every_notebook
def test_links_lead_somewhere(path):
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "markdown":
            for target in _links(cell.source):
                _check_link(target)


def test_readme_and_folder_have_the_badges():
    for page in ("README.md", "colab/README.md"):
        targets = {link.target for link in markdown_pages.links(page)}
        assert {badge_of(path) for path in notebooks.PATHS} <= targets, page
        assert BADGE in targets, page


def test_one_address_is_used_everywhere():
    pages = [*notebooks.PATHS, ROOT / "README.md", ROOT / "colab" / "README.md"]
    found = {
        owner
        for page in pages
        for owner in re.findall(r"github(?:\.com)?/([\w.-]+)/tfdgsu", page.read_text(encoding="utf-8"))
    }
    assert found == {REPOSITORY.split("/")[-2]}


def _links(markdown):
    for token in MarkdownIt("commonmark").parse(markdown):
        for child in token.children or ():
            if child.type == "link_open":
                yield child.attrGet("href")


def _check_link(target):
    parts = urllib.parse.urlsplit(target)
    if parts.scheme:
        assert parts.scheme == "https"
        return
    page = os.path.normpath(os.path.join("colab", parts.path))
    assert (ROOT / page).is_file(), target
    assert not parts.fragment or parts.fragment in markdown_pages.anchors(page), target


def test_times_in_the_readme_are_those_of_the_stored_results(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("measure_notebooks", ROOT / "benchmarks" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    results = json.loads(module.RESULTS.read_text())
    assert list(results["notebooks"]) == [path.name for path in notebooks.PATHS]
    parts = {"times": module.text_of(results)}
    outdated = module.generated_parts.outdated(module.README, module.SOURCE, parts)
    assert outdated == [], "run python benchmarks/notebooks.py"
