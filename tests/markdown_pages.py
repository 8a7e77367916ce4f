# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The Markdown pages of the repository: their code blocks, links and headings."""

import dataclasses
import pathlib
import re

from markdown_it import MarkdownIt

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "micro_runtime" / "README.md",
        ROOT / "colab" / "README.md",
        *(ROOT / "examples").rglob("*.md"),
    ]
)
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced code block: where it is, its language, its text, and why it can't run here, if it says so.

    `<!-- not run: reason -->` in front of a block says so.
    """

    page: str
    line: int
    language: str
    text: str
    not_run: str

    def __str__(self):
        return f"{self.page}:{self.line}"


@dataclasses.dataclass(frozen=True)
class Link:
    """A link or an image."""

    page: str
    line: int
    target: str

    def __str__(self):
        return f"{self.page}:{self.line} -> {self.target}"


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: str, *languages: str) -> list[Block]:
    """The code blocks of a page in these languages, in order."""
    found, reason = [], ""
    for token in _tokens(page):
        if token.type == "html_block":
            match = _NOT_RUN.search(token.content)
            reason = match[1] if match else ""
        elif token.type == "fence":
            if token.info.strip() in languages:
                found.append(Block(page, token.map[0] + 1, token.info.strip(), token.content, reason))
            reason = ""
    return found


def all_blocks(*languages: str) -> list[Block]:
    return [block for path in PAGES for block in blocks(name_of(path), *languages)]


def links(page: str) -> list[Link]:
    """Links and images of a page; code holds none."""
    found = []
    for token in _tokens(page):
        for child in token.children or ():
            target = {"link_open": child.attrGet("href"), "image": child.attrGet("src")}.get(child.type)
            if target:
                found.append(Link(page, token.map[0] + 1, target))
    return found


def code_spans(page: str) -> list[Link]:
    """Inline code of a page, as links whose target is the code."""
    return [
        Link(page, token.map[0] + 1, child.content)
        for token in _tokens(page)
        for child in token.children or ()
        if child.type == "code_inline"
    ]


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    tokens = _tokens(page)
    found: dict[str, int] = {}
    for i, token in enumerate(tokens):
        if token.type == "heading_open":
            text = "".join(child.content for child in tokens[i + 1].children or ())
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
    return {slug if i == 0 else f"{slug}-{i}" for slug, n in found.items() for i in range(n + 1)}


def run_python(page: str) -> dict:
    """Runs a page's Python blocks one after the other in one namespace, which it returns."""
    namespace: dict = {"__name__": "page"}
    for block in blocks(page, "python"):
        if not block.not_run:
            # Lines are counted as in the page.
            source = "\n" * block.line + block.text
            exec(compile(source, str(ROOT / page), "exec"), namespace)  # noqa: S102
    return namespace


def _tokens(page: str):
    return MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text(encoding="utf-8"))
