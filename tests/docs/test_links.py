# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every link in a page leads to a file and a heading; paths in the text exist."""

import os
import re
import urllib.parse

import markdown_pages
import pytest
from markdown_pages import PAGES, ROOT, name_of

NAMES = [name_of(path) for path in PAGES]
# Paths that a reader makes by following the page.
MADE = ("build/", "quickstart_out/")


@pytest.mark.parametrize("page", NAMES)
def test_links_of_a_page_lead_somewhere(page):
    dangling = [str(link) for link in markdown_pages.links(page) if not _leads_somewhere(page, link.target)]
    assert not dangling


def _leads_somewhere(page, target):
    parts = urllib.parse.urlsplit(target)
    if parts.scheme or parts.netloc:
        return parts.scheme == "https" and re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc) is not None
    path = os.path.normpath(os.path.join(os.path.dirname(page), parts.path)) if parts.path else page
    if not (ROOT / path).is_file():  # The site has no page for a folder.
        return False
    return not parts.fragment or (path.endswith(".md") and parts.fragment in markdown_pages.anchors(path))


def test_what_leads_nowhere_is_found():
    assert _leads_somewhere("README.md", "CONTRIBUTING.md#style")
    assert _leads_somewhere("docs/index.md", "../README.md#layers")
    assert not _leads_somewhere("README.md", "CONTRIBUTING.md#fashion")
    assert not _leads_somewhere("docs/index.md", "README.md")
    assert not _leads_somewhere("README.md", "docs/design")
    assert not _leads_somewhere("README.md", "http://example.com")
    assert not _leads_somewhere("README.md", "https://example")


def test_every_page_is_reached_from_the_readme():
    seen, todo = set(), ["README.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        for link in markdown_pages.links(page):
            path = os.path.normpath(os.path.join(os.path.dirname(page), urllib.parse.urlsplit(link.target).path))
            if path in NAMES and path not in seen:
                todo.append(path)
    assert set(NAMES) - seen == set()


@pytest.mark.parametrize("page", NAMES)
def test_paths_named_in_a_page_exist(page):
    folders = sorted(path.name for path in ROOT.iterdir() if path.is_dir())
    pattern = re.compile(rf"({'|'.join(map(re.escape, folders))})/[\w./-]*")
    spans = [span for span in markdown_pages.code_spans(page) if pattern.fullmatch(span.target)]
    spans = [span for span in spans if not span.target.startswith(MADE)]
    missing = [
        str(span)
        for span in spans
        if not (ROOT / span.target).exists() and not (ROOT / "micro_runtime/include" / span.target).exists()
    ]
    assert not missing
