# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The head of the arena over time as SVG: a row for every op, address to the right, a box for every buffer.

Widths are percentages, so that the drawing fits any screen and its text keeps its size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...export.arena import BUFFER_KINDS
from .markup import Markup, code, element, join, number, table

if TYPE_CHECKING:
    from ...export.arena import ArenaPrediction, BufferPlan
    from ..inspection import BundleInspection

_ROW_PIXELS = 18
_N_TICKS = 4
# A name is written where it has room for a few letters on a phone, in percent of the width.
_SMALLEST_LABELLED_PERCENT = 6.0


def render(inspection: BundleInspection) -> Markup:
    """Legend, drawing, and the same as a table."""
    arena = inspection.arena
    if not arena.head_bytes:
        return element("p", "The head is empty: no op makes a value.")
    buffers = sorted((b for b in arena.buffers if b.first_used >= 0), key=lambda b: (b.first_used, b.offset))
    used = {arena.kind_of(buffer) for buffer in buffers}
    kinds = [kind for kind in BUFFER_KINDS if kind in used]
    return join(
        [
            element("p", _explain(arena)),
            element("ul", *(_legend_item(kind) for kind in kinds), class_="legend", aria_hidden="true"),
            element("p", "Point at a box, or tap it.", class_="pointed", role="status", id="pointed"),
            element("div", _row_labels(arena), _drawing(arena, buffers), class_="map"),
            element(
                "details",
                element("summary", f"The {len(buffers)} buffers as a table"),
                _as_table(arena, buffers),
            ),
        ]
    )


def _explain(arena: ArenaPrediction) -> str:
    peak = f"{arena.peak_live_bytes:,} bytes are alive at the peak, in op {arena.peak_moment - 1}, {arena.peak_op}"
    if arena.peak_moment == 0:
        peak = f"{arena.peak_live_bytes:,} bytes are alive at the peak, the inputs"
    return (
        f"Time goes down, an op a row; addresses go right, from 0 to {arena.head_bytes:,}. {peak}: the outlined row. "
        "A result may lie over an operand that ends with it."
    )


def _legend_item(kind: str) -> Markup:
    return element("li", element("span", class_=f"swatch {class_of(kind)}"), kind)


def class_of(kind: str) -> str:
    """CSS class of a kind of buffer."""
    return kind.split()[0]


def _row_labels(arena: ArenaPrediction) -> Markup:
    def row(moment: int, name: str) -> Markup:
        text = name if moment == 0 else f"{moment - 1} {name.removeprefix('Tfdgsu')}"
        return element("li", text, class_="peak" if moment == arena.peak_moment else None)

    return element("ol", *(row(i, name) for i, name in enumerate(arena.moments)), aria_hidden="true")


def _drawing(arena: ArenaPrediction, buffers: list[BufferPlan]) -> Markup:
    n_rows = len(arena.moments)
    label = (
        f"Arena over time: {len(buffers)} buffers in {arena.head_bytes:,} bytes during {n_rows - 1} ops; "
        f"{arena.peak_live_bytes:,} bytes alive at the peak, {arena.peak_op}. The table below has every buffer."
    )
    ticks = [_tick(i * arena.head_bytes // _N_TICKS, i * 100 / _N_TICKS) for i in range(_N_TICKS + 1)]
    return element(
        "svg",
        element("g", *ticks, class_="axis"),
        # Below the axis, which takes a row.
        element(
            "svg",
            *(_box(arena, buffer) for buffer in buffers),
            element(
                "rect",
                class_="peak",
                y=arena.peak_moment * _ROW_PIXELS,
                width="100%",
                height=_ROW_PIXELS,
            ),
            y=_ROW_PIXELS,
            height=n_rows * _ROW_PIXELS,
        ),
        role="img",
        aria_label=label,
        height=(n_rows + 1) * _ROW_PIXELS,
    )


def _tick(address: int, percent: float) -> Markup:
    x, anchor = f"{percent:g}%", {0: "start", 100: "end"}.get(percent, "middle")
    return element(
        "g",
        element("line", x1=x, x2=x, y1=_ROW_PIXELS, y2="100%"),
        element("text", f"{address:,}", x=x, y=_ROW_PIXELS - 5, text_anchor=anchor),
        # A phone has no room for them.
        class_="between" if percent % 50 else None,
    )


def _box(arena: ArenaPrediction, buffer: BufferPlan) -> Markup:
    percent = 100 * buffer.n_bytes / arena.head_bytes
    n_rows = buffer.last_used - buffer.first_used + 1
    text = None
    if percent >= _SMALLEST_LABELLED_PERCENT:
        size = f"{buffer.n_bytes:,}"
        lines = [f"{buffer.name} {size}"] if n_rows == 1 else [buffer.name, size]
        text = join(element("text", line, x=4, y=13 + i * 13) for i, line in enumerate(lines))
    return element(
        "svg",
        element("title", describe(arena, buffer)),
        element("rect", class_=f"box {class_of(arena.kind_of(buffer))}", width="100%", height="100%"),
        text,
        class_="buffer",
        x=f"{100 * buffer.offset / arena.head_bytes:.3f}%",
        y=buffer.first_used * _ROW_PIXELS,
        width=f"{percent:.3f}%",
        height=n_rows * _ROW_PIXELS,
    )


def describe(arena: ArenaPrediction, buffer: BufferPlan) -> str:
    """A buffer in words, as its tooltip says."""
    return (
        f"{buffer.name}: {buffer.n_bytes:,} bytes at {buffer.offset:,} to {buffer.offset + buffer.n_bytes:,}, "
        f"{arena.kind_of(buffer)}, alive {_span(buffer)}"
    )


def _span(buffer: BufferPlan) -> str:
    first, last = _when(buffer.first_used, buffer.first_op), _when(buffer.last_used, buffer.last_op)
    return f"in {first}" if first == last else f"from {first} to {last}"


def _when(moment: int, op: str) -> str:
    return "the inputs" if moment == 0 else f"op {moment - 1} {op}"


def _as_table(arena: ArenaPrediction, buffers: list[BufferPlan]) -> Markup:
    head = ("buffer", "for", "alive from", "to", "offset", "bytes")
    rows = [
        (
            code(b.name),
            arena.kind_of(b),
            _when(b.first_used, b.first_op),
            _when(b.last_used, b.last_op),
            number(b.offset),
            number(b.n_bytes),
        )
        for b in buffers
    ]
    return table("Buffers of the head, in order of first use", head, rows, 2)
