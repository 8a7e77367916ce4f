# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Draws the arena: its head over time, a box for every buffer from first to last use, and all of it as one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.patches import Patch, Rectangle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ...export.arena import ArenaPrediction, BufferPlan

_FORWARD, _KEPT, _GRADIENT, _SCRATCH = "forward activation", "kept for backward", "gradient", "scratch"
_COLOURS = {_FORWARD: "#8ecae6", _KEPT: "#ffb703", _GRADIENT: "#eb9b85", _SCRATCH: "#b8b8b8"}
_HEAD_COLOUR, _VARIABLES_COLOUR, _INTERPRETER_COLOUR = "#8ecae6", "#81b29a", "#dddddd"
_PEAK_COLOUR = "#c1121f"
_KB = 1024
_POINTS_PER_INCH = 72
# A label as large as fits into its box, within these sizes, or none.
_LARGEST_FONT, _SMALLEST_FONT = 9.0, 5.5
_CHARACTER_WIDTH, _LINE_HEIGHT = 0.62, 1.2  # In units of the font size.


def draw_head(axes: Axes, arena: ArenaPrediction) -> None:
    """Draws the head: what is alive where during which op of a training step, and the peak."""
    n_moments = len(arena.moments)
    loss_moment = next(i for i, name in enumerate(arena.moments) if name.endswith(("Crossentropy", "Error")))
    axes.set_xlim(-0.5, n_moments - 0.5)
    axes.set_ylim(0, 1.06 * arena.head_bytes / _KB)  # Room for what is written at the peak.
    kinds = set()
    for buffer in arena.buffers:
        if buffer.first_used >= 0:
            kind = _kind(buffer, loss_moment)
            kinds.add(kind)
            _draw_buffer(axes, buffer, _COLOURS[kind])
    _mark_peak(axes, arena)
    _mark_loss(axes, loss_moment)
    axes.set_xticks([])
    axes.set_xlabel(f"one training step: {n_moments - 1} ops in order", labelpad=18)
    axes.set_ylabel("KB")
    axes.set_title("Head of the arena over time", loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    handles = [Patch(facecolor=colour, label=kind) for kind, colour in _COLOURS.items() if kind in kinds]
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles), frameon=False, fontsize=9
    )


def draw_total(axes: Axes, arena: ArenaPrediction, measured_bytes: int) -> None:
    """Draws head and tail as one column; names the measured size beside the predicted one."""
    n_variable_bytes = arena.tail_by_kind["variables"]
    parts = (
        ("head", arena.head_bytes, _HEAD_COLOUR),
        ("variables", n_variable_bytes, _VARIABLES_COLOUR),
        ("interpreter", arena.tail_bytes - n_variable_bytes, _INTERPRETER_COLOUR),
    )
    start = 0
    for name, n_bytes, colour in parts:
        axes.add_patch(Rectangle((0, start / _KB), 1, n_bytes / _KB, facecolor=colour, edgecolor="white"))
        middle = (start + n_bytes / 2) / _KB
        axes.text(0.5, middle, f"{name}\n{n_bytes:,}", ha="center", va="center", fontsize=9)
        start += n_bytes
    axes.set_xlim(0, 1)
    axes.set_ylim(0, start / _KB)
    axes.set_xticks([])
    axes.set_title("All of it", loc="left", fontweight="bold")
    axes.set_xlabel(f"predicted {arena.total_bytes:,}\nmeasured {measured_bytes:,}")
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _kind(buffer: BufferPlan, loss_moment: int) -> str:
    if buffer.is_scratch:
        return _SCRATCH
    if buffer.first_used >= loss_moment:
        return _GRADIENT
    return _KEPT if buffer.last_used > loss_moment else _FORWARD


def _draw_buffer(axes: Axes, buffer: BufferPlan, colour: str) -> None:
    width, height = buffer.last_used - buffer.first_used + 1, buffer.n_bytes / _KB
    x, y = buffer.first_used - 0.5, buffer.offset / _KB
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor="white", linewidth=0.8))
    label, size, rotation = _fit_label(buffer, *_in_points(axes, width, height))
    if size >= _SMALLEST_FONT:
        middle = x + width / 2, y + height / 2
        axes.text(*middle, label, ha="center", va="center", fontsize=size, rotation=rotation)


def _fit_label(buffer: BufferPlan, width_points: float, height_points: float) -> tuple[str, float, int]:
    """Text, font size and rotation of the label that can be largest in a box."""
    front, _, back = buffer.name.rpartition("_")
    n_bytes = f"{buffer.n_bytes:,}"
    candidates = []
    for lines in ((buffer.name, n_bytes), (f"{front}_", back, n_bytes)):
        candidates.append((_font_size(lines, width_points, height_points), 0, "\n".join(lines)))
        candidates.append((_font_size(lines, height_points, width_points), 90, "\n".join(lines)))
    size, rotation, label = max(candidates, key=lambda candidate: candidate[0])
    return label, size, rotation


def _in_points(axes: Axes, width: float, height: float) -> tuple[float, float]:
    """A size in data units as typographic points."""
    box = axes.get_window_extent()
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    scale = _POINTS_PER_INCH / axes.figure.dpi
    return width / (right - left) * box.width * scale, height / (top - bottom) * box.height * scale


def _font_size(lines: tuple[str, ...], width_points: float, height_points: float) -> float:
    """The largest font with which `lines` fit into a box."""
    longest = max(len(line) for line in lines)
    fits = min(width_points / (_CHARACTER_WIDTH * longest), height_points / (_LINE_HEIGHT * len(lines)))
    return min(fits, _LARGEST_FONT)


def _mark_peak(axes: Axes, arena: ArenaPrediction) -> None:
    x, top = arena.peak_moment - 0.5, arena.head_bytes / _KB
    axes.add_patch(Rectangle((x, 0), 1, top, fill=False, edgecolor=_PEAK_COLOUR, linewidth=1.8, zorder=5))
    text = f"peak: {arena.peak_live_bytes:,} bytes alive in {arena.peak_op}"
    on_the_left = arena.peak_moment < len(arena.moments) / 2
    axes.text(
        x if on_the_left else x + 1,
        1.005 * top,
        text,
        ha="left" if on_the_left else "right",
        va="bottom",
        color=_PEAK_COLOUR,
        fontweight="bold",
        fontsize=10,
    )


def _mark_loss(axes: Axes, loss_moment: int) -> None:
    transform = axes.get_xaxis_transform()
    axes.axvline(loss_moment, color="black", linewidth=0.8, linestyle=":", zorder=0)
    axes.text(loss_moment - 0.4, -0.01, "forward", ha="right", va="top", fontsize=9, transform=transform)
    axes.text(loss_moment, -0.01, "|", ha="center", va="top", fontsize=9, transform=transform)
    axes.text(loss_moment + 0.4, -0.01, "backward and update", va="top", fontsize=9, transform=transform)
