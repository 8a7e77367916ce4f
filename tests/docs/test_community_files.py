# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Files that GitHub and other tools read are well-formed and agree with the rest."""

import re
import tomllib

import pytest
import yaml
from markdown_pages import ROOT

import tfdgsu

FORMS = ("bug.yml", "feature.yml")


def load(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_citation_has_what_the_format_demands():
    citation = load("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["version"] == tfdgsu.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["license"] == project["license"]
    (paper,) = citation["references"]
    assert {"type", "title", "authors"} <= set(paper)
    assert all({"family-names", "given-names"} <= set(author) for author in paper["authors"])
    assert paper["url"] == "https://arxiv.org/abs/2503.17959"


@pytest.mark.parametrize("name", FORMS)
def test_issue_forms_are_well_formed(name):
    form = load(f".github/ISSUE_TEMPLATE/{name}")
    assert {"name", "description", "body"} <= set(form)
    kinds = {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    assert {item["type"] for item in form["body"]} <= kinds
    fields = [item for item in form["body"] if item["type"] != "markdown"]
    assert len({item["id"] for item in fields}) == len(fields)
    assert all(item["attributes"]["label"] for item in fields)
    assert all(item["attributes"]["options"] for item in fields if item["type"] == "dropdown")


def test_pre_commit_runs_what_the_style_test_runs():
    tests = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["test"]
    (ruff,) = [requirement for requirement in tests if requirement.startswith("ruff==")]
    remote, local = load(".pre-commit-config.yaml")["repos"]
    assert remote["rev"] == "v" + ruff.removeprefix("ruff==")
    assert [hook["id"] for hook in remote["hooks"]] == ["ruff-check", "ruff-format"]
    source = (ROOT / "tests" / "test_style.py").read_text()
    folders = re.findall(r'"(\w+)"', re.search(r"^FOLDERS = \((.*)\)$", source, re.MULTILINE)[1])
    for hook in remote["hooks"]:
        assert all(re.match(hook["files"], f"{folder}/x.py") for folder in folders)
        assert re.match(hook["files"], "setup.py")
        assert not re.match(hook["files"], "other/x.py")
    assert "tests/test_style.py" in local["hooks"][0]["entry"]


def test_changelog_is_one_of_keep_a_changelog():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert all(version == "Unreleased" or re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    sections = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert set(sections) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("name", ["CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"])
def test_files_that_people_look_for_exist(name):
    assert len((ROOT / name).read_text(encoding="utf-8").split()) > 20
