# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The plan as bars: what each update layer keeps in RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sparse_update_plan import LayerUpdate, SparseUpdatePlan
from .figures import EDGE, GREEN, KIB, ORANGE, YELLOW, clean, new_axes, put_legend_under_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WEIGHTS, _KEPT, _MASKS = "mutable weight", "kept activation", "ReLU mask"
_TITLES = {_WEIGHTS: "mutable weights", _KEPT: "activations kept for backward", _MASKS: "ReLU masks"}
_COLOURS = {_WEIGHTS: GREEN, _KEPT: ORANGE, _MASKS: YELLOW}
_WHOLE, _COUNTER = "(inputs kept whole)", "(step counter)"
_ROW_INCHES, _FRAME_INCHES, _WIDTH_INCHES = 0.26, 1.8, 8.5


def plan(plan: SparseUpdatePlan, ax: Axes | None = None) -> Axes:
    """Draws the bytes of each update layer: weights that a step may change, and what backward needs of forward.

    The bars add up to the plan's `mutable_weight_bytes`, `kept_activation_bytes` and `relu_mask_bytes`. The title has the
    whole cost. Frozen layers keep nothing and have no bar.

    Example:
        ax = tfdgsu.plots.plan(tfdgsu.plan(model, ram="256KB"))
        ax.figure.savefig("plan.png")

    Args:
        plan: A plan of `tfdgsu.plan`, or what has one: a `SparseUpdateModel`, an `ExportReport`.
        ax: Where to draw. Default: a new figure.

    Returns:
        The axes.

    Raises:
        TypeError: `plan` is none.
        ValueError: It came out of a bundle, which doesn't hold the bytes of single buffers.
        ImportError: matplotlib isn't installed.
    """
    made = getattr(plan, "plan", plan)
    if not isinstance(made, SparseUpdatePlan):
        raise TypeError(f"plan must be a SparseUpdatePlan. Received: {plan!r:.80}. Make one with tfdgsu.plan(model).")
    if not made.cost.items:
        raise ValueError(
            "A plan is drawn from the bytes of its buffers. Received: a plan out of a bundle, which holds sums only. "
            "Draw the plan that tfdgsu.plan made, or the bundle's arena with tfdgsu.plots.arena."
        )
    rows = bytes_by_row(made)
    ax = new_axes(_WIDTH_INCHES, _FRAME_INCHES + _ROW_INCHES * len(rows)) if ax is None else ax
    _draw_bars(ax, rows)
    _write_channels(ax, made, rows)
    ax.set_xlabel("RAM (KiB)")
    ax.set_ylabel("update layer, in forward order")
    put_legend_under_title(ax, _title(made), ax.get_legend_handles_labels()[0])
    clean(ax)
    return ax


def bytes_by_row(plan: SparseUpdatePlan) -> dict[str, dict[str, int]]:
    """Bytes by row and kind, rows in the order of the drawing: update layers, then what belongs to none of them."""
    rows = {layer.name: {} for layer in plan.layers}
    sums = dict.fromkeys(_TITLES, 0)
    for item in sorted(plan.cost.items, key=lambda item: item.name):
        if item.kind in sums:
            row = rows.setdefault(_row_of(item.name.rpartition("/")[0], item.name, plan), {})
            row[item.kind] = row.get(item.kind, 0) + item.n_bytes
            sums[item.kind] += item.n_bytes
    rest = (
        (_WHOLE, _KEPT, plan.cost.kept_activation_bytes - sums[_KEPT]),
        (_COUNTER, _WEIGHTS, plan.cost.mutable_weight_bytes - sums[_WEIGHTS]),
    )
    rows.update({name: {kind: n_bytes} for name, kind, n_bytes in rest if n_bytes})
    return rows


def _row_of(owner: str, item_name: str, plan: SparseUpdatePlan) -> str:
    """The update layer that a buffer belongs to; an activation's mask to the layer that it is named after."""
    first = item_name.split("/")[0]
    names = [layer.name for layer in plan.layers if first == layer.name or first.startswith(f"{layer.name}_")]
    return max(names, key=len, default=owner or first)


def _draw_bars(ax: Axes, rows: dict[str, dict[str, int]]) -> None:
    places = range(len(rows))
    starts = [0.0] * len(rows)
    for kind, title in _TITLES.items():
        widths = [row.get(kind, 0) / KIB for row in rows.values()]
        if any(widths):
            ax.barh(places, widths, left=starts, color=_COLOURS[kind], edgecolor=EDGE, linewidth=0.5, label=title)
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    ax.set_yticks(places, list(rows), fontsize="small")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    # Room for what is written behind the longest bar.
    ax.set_xlim(0, 1.45 * max(starts))


def _write_channels(ax: Axes, plan: SparseUpdatePlan, rows: dict[str, dict[str, int]]) -> None:
    updates = {layer.name: _describe(layer) for layer in plan.layers}
    for place, (name, row) in enumerate(rows.items()):
        text = f"{sum(row.values()):,} bytes" + (f", {updates[name]}" if name in updates else "")
        ax.annotate(
            text,
            (sum(row.values()) / KIB, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="x-small",
        )


def _describe(layer: LayerUpdate) -> str:
    bias = " + bias" if layer.update_bias else ""
    if not layer.n_selected:
        return "bias only"
    if not layer.is_sparse:
        return f"all {layer.n_channels:,} channels{bias}"
    pool = f" of a pool of {layer.n_mutable:,}" if layer.has_pool else ""
    return f"{layer.n_selected:,}/{layer.n_channels:,} channels{pool}{bias}"


def _title(plan: SparseUpdatePlan) -> str:
    cost = plan.cost
    peak = max(cost.forward_peak_bytes, cost.backward_peak_bytes)
    budget = "" if plan.ram_bytes is None else f" of {plan.ram_bytes / KIB:,.1f}"
    return (
        f"{100 * plan.update_fraction:.2f}% of the convolution weights per step, {len(plan.frozen)} layers frozen\n"
        f"{cost.total_bytes / KIB:,.1f}{budget} KiB = {cost.mutable_weight_bytes / KIB:,.1f} weights "
        f"+ {cost.interpreter_bytes / KIB:,.1f} interpreter + {peak / KIB:,.1f} peak"
    )
