# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The entry points by name: what to set before an invoke and what to read after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .markup import Markup, code, element, join, table
from .weights_section import format_type

if TYPE_CHECKING:
    from ...export.ir import Tensor
    from ..inspection import BundleInspection

_MEANINGS = {
    "train": "One training step, when train is 1.",
    "infer": "The forward pass.",
    "save": "Variables to read.",
    "restore": "Variables to write.",
}


def render(inspection: BundleInspection) -> Markup:
    """A table for each signature."""
    parts = []
    for name, signature in inspection.graph.signatures.items():
        parts += [
            element("h3", code(name)),
            element("p", _MEANINGS[name]) if name in _MEANINGS else None,
            table(f"Signature {name}", ("name", "", "type", "tensor"), _rows(signature.inputs, signature.outputs)),
        ]
    return join(parts)


def _rows(inputs: dict[str, Tensor], outputs: dict[str, Tensor]) -> list[tuple[object, ...]]:
    return [
        (code(name), direction, format_type(tensor.dtype, tensor.shape), code(tensor.name))
        for direction, tensors in (("input", inputs), ("output", outputs))
        for name, tensor in tensors.items()
    ]
