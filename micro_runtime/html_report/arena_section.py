# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The arena as a whole: predicted against measured, and what its two ends hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .markup import Markup, element, join, table

if TYPE_CHECKING:
    from ...export.arena import ArenaPrediction
    from ..inspection import BundleInspection

_TAIL_TITLES = {
    "variables": "variables: mutable weights, channel numbers, counters",
    "interpreter": "interpreter: allocators, planner, subgraph table",
    "eval_tensors": "structs of the tensors",
    "nodes": "structs of the ops",
    "op_options": "options, parsed from the file",
    "op_data": "data of the ops",
    "scratch_handles": "handles of scratch buffers",
    "io_tensors": "structs of inputs and outputs",
    "io_quantization": "quantization of inputs and outputs",
}


def render(inspection: BundleInspection) -> Markup:
    """A bar that splits the arena, and two tables."""
    measured, arena, cortex_m = inspection.measured, inspection.arena, inspection.arena_cortex_m
    rows = [
        ("head", arena.head_bytes, measured.head_bytes, cortex_m.head_bytes),
        ("tail", arena.tail_bytes, measured.tail_bytes, cortex_m.tail_bytes),
        ("total", measured.predicted_bytes, measured.total_bytes, measured.predicted_cortex_m_bytes),
        ("planning", arena.minimum_arena_bytes, None, cortex_m.minimum_arena_bytes),
    ]
    head = ("", "predicted, x86-64", "measured, x86-64", "predicted, Cortex-M")
    kinds = sorted(arena.tail_by_kind.items(), key=lambda item: -item[1])
    tail = [(_TAIL_TITLES.get(k, k), n, cortex_m.tail_by_kind.get(k, 0)) for k, n in kinds if n]
    return join(
        [
            element("p", _verdict(inspection)),
            _bar(arena),
            table("Predicted and measured arena, bytes", head, [(r[0], *map(_number, r[1:])) for r in rows], 3),
            element(
                "p",
                "The head holds values of ops, which share its place over time; the tail holds variables and the interpreter. "
                "AllocateTensors needs the last row's bytes for a moment.",
            ),
            element(
                "details",
                element("summary", "The tail by kind"),
                table("The tail by kind, predicted bytes", ("", "x86-64", "Cortex-M"), tail, 2),
            ),
        ]
    )


def _number(value: int | None) -> object:
    return element("td", "–", class_="number") if value is None else value


def _verdict(inspection: BundleInspection) -> str:
    measured, arena = inspection.measured, inspection.arena
    difference = measured.total_bytes - measured.predicted_bytes
    if not arena.exact:
        return f"The prediction is a lower bound: nothing is known about {', '.join(arena.unknown_ops)}."
    if difference:
        return f"TFLM takes {difference:+,} bytes against the prediction."
    return "TFLM's recording allocator, run on this file, counts exactly the bytes that the exporter predicted."


def _bar(arena: ArenaPrediction) -> Markup:
    n_variables = arena.tail_by_kind.get("variables", 0)
    parts = [
        ("head", "activation", arena.head_bytes),
        ("variables", "variables", n_variables),
        ("interpreter", "interpreter", arena.tail_bytes - n_variables),
    ]
    pieces, legend, start = [], [], 0.0
    for title, kind, n_bytes in filter(lambda part: part[-1], parts):
        share = 100 * n_bytes / arena.total_bytes
        text = f"{title}: {n_bytes:,} bytes, {share:.0f}%"
        pieces.append(
            element(
                "rect",
                element("title", text),
                class_=f"box {kind}",
                x=f"{start:.2f}%",
                width=f"{share:.2f}%",
                height="100%",
            )
        )
        legend.append(element("li", element("span", class_=f"swatch {kind}"), text))
        start += share
    label = "Arena of x86-64: " + "; ".join(f"{title} {n_bytes:,} bytes" for title, _, n_bytes in parts)
    return join(
        [
            element("svg", *pieces, class_="bar", role="img", aria_label=label),
            element("ul", *legend, class_="legend", aria_hidden="true"),
        ]
    )
