# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the bundle's metadata says that a step updates, and what the plan expected it to cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .markup import Markup, code, element, join, number, table

if TYPE_CHECKING:
    from ...sparse_update_plan import LayerUpdate, SparseUpdatePlan
    from ..inspection import BundleInspection


def render(inspection: BundleInspection) -> Markup:
    """Layers and cost; a sentence for an inference model."""
    plan = inspection.plan
    if plan is None:
        return element("p", "This file has no plan: it only infers, and every weight is a constant.")
    head = ("layer", "kind", "input channels per step", "bias", "weights per step", "mutable weights", "all weights")
    return join(
        [
            element("p", _explain(plan)),
            table("Update layers", head, [_row(layer) for layer in plan.layers], 3),
            _cost(plan),
            _frozen(plan),
        ]
    )


def _explain(plan: SparseUpdatePlan) -> str:
    n_layers, n_frozen = len(plan.layers), len(plan.frozen)
    return (
        f"Method {plan.method}: each step updates {100 * plan.update_fraction:.2f}% of {plan.n_conv_weights:,} convolution "
        f"weights. {n_layers} update layers, {n_frozen} frozen."
    )


def _row(layer: LayerUpdate) -> tuple[object, ...]:
    return (
        code(layer.name),
        layer.kind,
        _channels(layer),
        "updated" if layer.update_bias else "frozen",
        number(layer.n_updated_weights),
        number(layer.n_mutable_weights),
        number(math.prod(layer.kernel_shape)),
    )


def _channels(layer: LayerUpdate) -> Markup:
    share = 100 * layer.n_selected / layer.n_channels if layer.n_channels else 0
    pool = f", pool of {layer.n_mutable:,}" if layer.has_pool else ""
    text = f"{layer.n_selected:,} of {layer.n_channels:,}{pool}" if layer.n_selected else "none, the bias only"
    bar = element(
        "svg",
        element("rect", class_="box kept", width=f"{share:.2f}%", height="100%"),
        class_="share",
        aria_hidden="true",
    )
    return element("td", text, bar)


def _cost(plan: SparseUpdatePlan) -> Markup:
    cost = plan.cost
    rows = [
        ("activations kept for backward", cost.kept_activation_bytes),
        ("ReLU masks, one bit an element", cost.relu_mask_bytes),
        ("mutable weights", cost.mutable_weight_bytes),
        ("interpreter, estimated", cost.interpreter_bytes),
        ("forward peak, what is kept included", cost.forward_peak_bytes),
        ("backward peak, what is kept included", cost.backward_peak_bytes),
        ("mutable weights, interpreter and the higher peak", cost.total_bytes),
    ]
    if plan.ram_bytes is not None:
        rows.append(("budget", plan.ram_bytes))
    return table("What the plan expected before the export, bytes", ("", "bytes"), rows, 1)


def _frozen(plan: SparseUpdatePlan) -> Markup | None:
    if not plan.frozen:
        return None
    names = (element("li", code(name)) for name in plan.frozen)
    return element("details", element("summary", f"The {len(plan.frozen)} frozen layers"), element("ul", *names))
