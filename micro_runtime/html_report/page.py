# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The page around the sections: head, style, script, navigation."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import os
from typing import TYPE_CHECKING

from . import arena_map, arena_section, ops_section, overview, plan_section, signatures_section, weights_section
from .markup import Markup, element, escape

if TYPE_CHECKING:
    from ..inspection import BundleInspection

_SECTIONS = (
    ("arena", "Arena", arena_section.render),
    ("map", "Arena over time", arena_map.render),
    ("plan", "Plan", plan_section.render),
    ("weights", "Weights in flash and in RAM", weights_section.render),
    ("ops", "Ops in order", ops_section.render),
    ("signatures", "Signatures", signatures_section.render),
)


def render_report(inspection: BundleInspection) -> str:
    """The report as one HTML page.

    Its policy lets a browser run this page's own style and script and load nothing at all.
    """
    name = os.path.basename(inspection.path)
    style, script = _read("report.css"), _read("report.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        # Otherwise a browser asks the server for an icon.
        '<link rel="icon" href="data:,">',
        f"<title>{escape(name)}: tfdgsu inspect</title>",
        f"<style>{style}</style>",
    ]
    links = (element("li", element("a", title, href=f"#{key}")) for key, title, _ in _SECTIONS)
    body = [
        element("header", overview.render(inspection)),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *(_section(key, title, render(inspection)) for key, title, render in _SECTIONS)),
        element("footer", element("p", "Written by tfdgsu inspect. Sizes are bytes; 1 KiB is 1,024 of them.")),
        Markup(f"<script>{script}</script>"),
    ]
    lines = ["<!DOCTYPE html>", '<html lang="en">', "<head>", *head, "</head>", "<body>", *body, "</body>", "</html>"]
    return "\n".join(lines) + "\n"


def _section(key: str, title: str, content: Markup) -> Markup:
    return element("section", element("h2", title, id=f"{key}-title"), content, id=key, aria_labelledby=f"{key}-title")


def _read(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
