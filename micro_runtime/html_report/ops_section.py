# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The ops in the order in which they run, with operands and options by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...export.ops.custom import REGISTRY
from .markup import Markup, code, element, join, number, table
from .options import decode_options
from .weights_section import format_type

if TYPE_CHECKING:
    from ...export.ir import Op, Tensor
    from ..inspection import BundleInspection

# Longer lists fold.
_N_OPERANDS_SHOWN, _N_OPTIONS_SHOWN = 5, 3


def render(inspection: BundleInspection) -> Markup:
    """One table."""
    ops, arena = inspection.graph.ops, inspection.arena
    alive = [sum(b.n_bytes for b in arena.alive_at(moment)) for moment in range(1, len(arena.moments))]
    head = ("op", "options", "reads", "writes", "bytes alive")
    rows = [(_title(i, op), _options(op), _inputs(op), _outputs(op), number(alive[i])) for i, op in enumerate(ops)]
    return join(
        [
            element(
                "p",
                f"{len(ops)} ops, {sum(op.is_custom for op in ops)} of them custom. Forward ops come first; those behind the "
                "loss return at once unless the input train is 1."
                if inspection.trains
                else f"{len(ops)} ops, all of them builtin ops of TensorFlow Lite Micro.",
            ),
            table("Ops in order of execution", head, rows, 1),
        ]
    )


def _title(position: int, op: Op) -> Markup:
    return join([element("span", position, class_="position"), " ", code(op.kind)])


def _inputs(op: Op) -> Markup:
    names = [o.name for o in REGISTRY[op.kind].operands(op.options)] if op.is_custom else [""] * len(op.inputs)
    operands = [_operand(name, tensor) for name, tensor in zip(names, op.inputs, strict=True) if tensor is not None]
    return _list(operands, _N_OPERANDS_SHOWN, "operands")


def _outputs(op: Op) -> Markup:
    results = [_operand("", tensor) for tensor in op.outputs]
    updated = [
        element("li", element("code", tensor.name), element("span", " in place", class_="mark"))
        for tensor in op.mutates
    ]
    return _list(results + updated, _N_OPERANDS_SHOWN, "tensors")


def _operand(name: str, tensor: Tensor) -> Markup:
    kind = "constant" if tensor.is_constant else "variable" if tensor.is_variable else None
    return element(
        "li",
        None if not name or name == tensor.name else element("span", f"{name} ", class_="what"),
        element("code", tensor.name),
        element("span", f" {format_type(tensor.dtype, tensor.shape)}", class_="what"),
        None if kind is None else element("span", f" {kind}", class_="mark"),
    )


def _options(op: Op) -> Markup:
    options = decode_options(op.options)
    items = [element("li", element("span", f"{k} ", class_="what"), v) for k, v in options.items()]
    return _list(items, _N_OPTIONS_SHOWN, "options")


def _list(items: list[Markup], n_shown: int, what: str) -> Markup:
    content = element("ul", *items)
    if len(items) > n_shown:
        content = element("details", element("summary", f"{len(items)} {what}"), content)
    return element("td", content)
