# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The arena's head over time: a box for every buffer, from its first op to its last, at its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .figures import (
    EDGE,
    GREY,
    KIB,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILION,
    clean,
    new_axes,
    put_legend_under_title,
    settle,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"activation": SKY_BLUE, "kept for backward": ORANGE, "gradient": PURPLE, "scratch": GREY}
_SIZE_INCHES = (11.0, 6.0)
_POINTS_PER_INCH = 72
# A label as large as fits into its box, within these sizes, or none.
_LARGEST_FONT, _SMALLEST_FONT = 9.0, 5.0
_CHARACTER_WIDTH, _LINE_HEIGHT = 0.65, 1.3  # In units of the font size.


def arena(arena, ax: Axes | None = None) -> Axes:
    """Draws what lies where in the arena's head during which op, and marks the peak.

    Ops are numbered from 0 in the order in which they run; inputs are there before, at -1. A result may lie over an
    operand that ends with it.

    Example:
        tfdgsu.plots.arena(tfdgsu.micro_runtime.inspect_bundle("model.tflite"))

    Args:
        arena: An `ArenaPrediction`, or what has one: what `inspect_bundle` or an export returned.
        ax: Where to draw. Default: a new figure.

    Returns:
        The axes. Each box is a patch whose `gid` is the buffer's name.

    Raises:
        TypeError: `arena` is none.
        ImportError: matplotlib isn't installed.
    """
    prediction = getattr(arena, "arena", arena)
    if not hasattr(prediction, "kind_of"):
        raise TypeError(
            f"arena must be an ArenaPrediction or have one. Received: {arena!r:.80}. "
            "Pass tfdgsu.micro_runtime.inspect_bundle('model.tflite'), or what an export returned."
        )
    ax = new_axes(*_SIZE_INCHES) if ax is None else ax
    buffers = [buffer for buffer in prediction.buffers if buffer.first_used >= 0]
    boxes = [_draw_box(ax, buffer, _COLOURS[prediction.kind_of(buffer)]) for buffer in buffers]
    ax.set_xlim(-1.5, len(prediction.moments) - 1.5)
    ax.set_ylim(0, 1.08 * max(prediction.head_bytes, 1) / KIB)  # Room for what is written at the peak.
    _write_axes(ax, prediction)
    _mark_peak(ax, prediction)
    _mark_loss(ax, prediction)
    settle(ax)
    for buffer, box in zip(buffers, boxes, strict=True):
        _write_label(ax, buffer, box)
    return ax


def _draw_box(ax: Axes, buffer, colour: str):
    from matplotlib.patches import Rectangle

    corner = buffer.first_used - 1.5, buffer.offset / KIB
    width, height = buffer.last_used - buffer.first_used + 1, buffer.n_bytes / KIB
    box = Rectangle(corner, width, height, facecolor=colour, edgecolor=EDGE, linewidth=0.6, gid=buffer.name)
    return ax.add_patch(box)


def _write_axes(ax: Axes, prediction) -> None:
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("op, in order of execution")
    ax.set_ylabel("address in the arena (KiB)")
    target = {"x86_64": "x86-64", "cortex_m": "Cortex-M"}.get(prediction.target, prediction.target)
    used = {prediction.kind_of(buffer) for buffer in prediction.buffers if buffer.first_used >= 0}
    handles = [Patch(facecolor=colour, label=kind) for kind, colour in _COLOURS.items() if kind in used]
    title = f"Arena over time ({target}): head {prediction.head_bytes:,} of {prediction.total_bytes:,} bytes"
    put_legend_under_title(ax, title, handles)
    clean(ax)


def _mark_peak(ax: Axes, prediction) -> None:
    from matplotlib.patches import Rectangle

    if not prediction.peak_live_bytes:
        return
    left, top = prediction.peak_moment - 1.5, prediction.head_bytes / KIB
    frame = Rectangle((left, 0), 1, top, fill=False, edgecolor=VERMILION, linewidth=1.8, zorder=5, gid="peak")
    ax.add_patch(frame)
    is_left = prediction.peak_moment < len(prediction.moments) / 2
    where = f"op {prediction.peak_moment - 1}, {prediction.peak_op}" if prediction.peak_moment else "the inputs"
    ax.text(
        left if is_left else left + 1,
        1.01 * top,
        f"peak: {prediction.peak_live_bytes:,} bytes alive, {where}",
        ha="left" if is_left else "right",
        va="bottom",
        color="#a84300",
        fontsize="small",
        fontweight="bold",
        zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.5},
    )


def _mark_loss(ax: Axes, prediction) -> None:
    if prediction.loss_moment is None:
        return
    place = prediction.loss_moment - 1
    ax.axvline(place, color="black", linewidth=0.8, linestyle=":", zorder=0)
    transform = ax.get_xaxis_transform()
    for text, x, align in (("forward", place - 0.4, "right"), ("backward and update", place + 0.4, "left")):
        ax.text(x, 0.985, text, ha=align, va="top", fontsize="x-small", color="0.35", transform=transform)


def _write_label(ax: Axes, buffer, box) -> None:
    """The buffer's name and size in the orientation in which they are largest, if that can be read."""
    width, height = _in_points(ax, box.get_width(), box.get_height())
    front, _, back = buffer.name.rpartition("_")
    texts = [(buffer.name, f"{buffer.n_bytes:,}"), (f"{front}_", back, f"{buffer.n_bytes:,}")]
    choices = [
        (_font_size(lines, *room), -len(lines), rotation, "\n".join(lines))
        for lines in texts[: 2 if front else 1]
        for rotation, room in ((0, (width, height)), (90, (height, width)))
    ]
    size, _, rotation, text = max(choices)
    if size >= _SMALLEST_FONT:
        label = ax.text(
            *box.get_center(), text, ha="center", va="center", fontsize=size, rotation=rotation, clip_on=True
        )
        label.set_in_layout(False)  # Else a layout would make room for what is inside a box.


def _in_points(ax: Axes, width: float, height: float) -> tuple[float, float]:
    """A size in data units as typographic points."""
    box = ax.get_window_extent()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    scale = _POINTS_PER_INCH / ax.figure.dpi
    return width / (right - left) * box.width * scale, height / (top - bottom) * box.height * scale


def _font_size(lines: tuple[str, ...], width_points: float, height_points: float) -> float:
    """The largest font with which `lines` fit into a box."""
    longest = max(map(len, lines))
    fits = min(width_points / (_CHARACTER_WIDTH * longest), height_points / (_LINE_HEIGHT * len(lines)))
    return min(fits, _LARGEST_FONT)
