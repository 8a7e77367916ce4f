# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What to know at one glance: the figures that decide, and the settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .markup import Markup, code, element, join

if TYPE_CHECKING:
    from ..inspection import BundleInspection


def render(inspection: BundleInspection) -> Markup:
    """The page's title, its figures, its settings."""
    settings = inspection.settings()
    settings["file"] = settings["file"].removeprefix(f"{inspection.path}, ")
    rows = (element("div", element("dt", name), element("dd", text)) for name, text in settings.items())
    return join(
        [
            element("p", _describe(inspection), class_="kind"),
            element("h1", code(os.path.basename(inspection.path))),
            element("ul", *_figures(inspection), class_="figures", aria_label="Key figures"),
            element("dl", *rows, class_="settings"),
        ]
    )


def _describe(inspection: BundleInspection) -> str:
    kind = "Training bundle" if inspection.trains else "Inference model"
    return f"{kind} for TensorFlow Lite Micro, {inspection.dtype}"


def _figures(inspection: BundleInspection) -> list[Markup]:
    measured, program = inspection.measured, inspection.program
    is_exact = measured.total_bytes == measured.predicted_bytes
    verdict = "as predicted, to the byte" if is_exact else f"{measured.predicted_bytes:,} predicted"
    variables = [t for t in program.model.tensors if t.is_variable]
    names = [t.name for t in variables]
    weights = f"{len(names)} variables, kept between steps" if names else "all weights are constants"
    return [
        _figure(measured.total_bytes, "of arena on x86-64, measured", verdict),
        _figure(measured.predicted_cortex_m_bytes, "of arena on a 32-bit Cortex-M", "predicted"),
        _figure(len(program.data), "of flash", f"{len(inspection.graph.ops)} ops"),
        _figure(sum(t.n_bytes for t in variables), "of mutable state in RAM", weights),
    ]


def _figure(n_bytes: int, what: str, note: str) -> Markup:
    return element(
        "li",
        element("span", f"{n_bytes:,}", class_="value"),
        element("span", f"bytes {what}", class_="what"),
        element("span", note, class_="note"),
    )
