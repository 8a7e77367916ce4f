# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Accuracy against memory: which of several ways to train is worth its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ..number_checks import is_real
from .figures import BLUE, KIB, clean, new_axes, settle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_INCHES = (7.5, 5.0)
# Ranges of memory wider than this get a logarithmic axis.
_LARGEST_LINEAR_RATIO = 12
# Where a label may stand about its point, in points, best first.
_NEAR, _FAR = 6, 16
_MARKER = 4  # Half a point's width, caps included.
_PLACES = tuple(
    (dx * distance, dy * distance)
    for distance in (_NEAR, _FAR)
    for dx, dy in ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1.4), (0, -1.4))
)


class _Row(NamedTuple):
    label: str
    accuracy: float
    spread: float | None
    n_bytes: float


def accuracy_vs_memory(rows: Iterable[tuple[str, float, float | None, int]], ax: Axes | None = None) -> Axes:
    """Draws accuracy against memory with error bars, and the Pareto front: rows that no cheaper row reaches.

    Example:
        tfdgsu.plots.accuracy_vs_memory([("head", 0.61, 0.004, 67_792), ("biases and head", 0.71, 0.004, 96_176)])

    Args:
        rows: (label, accuracy, spread, bytes) each: accuracy in [0, 1]; spread in the same unit, such as a standard
            deviation over seeds, or None; bytes of RAM.
        ax: Where to draw. Default: a new figure.

    Returns:
        The axes; accuracy in percent over KiB.

    Raises:
        ValueError: There are no rows, or one is not of that form.
        ImportError: matplotlib isn't installed.
    """
    checked = [_check(row) for row in rows]
    if not checked:
        raise ValueError("rows must hold at least one row. Received: none. Pass (label, accuracy, spread, bytes).")
    ax = new_axes(*_SIZE_INCHES) if ax is None else ax
    sizes = [row.n_bytes / KIB for row in checked]
    if max(sizes) > _LARGEST_LINEAR_RATIO * min(sizes):
        from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    front = pareto_front(checked)
    ax.plot(
        [row.n_bytes / KIB for row in front],
        [100 * row.accuracy for row in front],
        color="0.6",
        linewidth=1,
        linestyle="--",
        zorder=1,
        label="Pareto front",
    )
    ax.errorbar(
        sizes,
        [100 * row.accuracy for row in checked],
        yerr=[100 * (row.spread or 0) for row in checked],
        fmt="o",
        color=BLUE,
        ecolor=BLUE,
        elinewidth=1,
        capsize=3,
        markersize=6,
    )
    ax.margins(0.14, 0.14)
    ax.set_xlabel("RAM (KiB)")
    ax.set_ylabel("accuracy (%)")
    ax.grid(alpha=0.25)
    clean(ax)
    if len(front) > 1:
        ax.legend(loc="lower right", frameon=False, fontsize="small")
    _write_labels(ax, checked)
    return ax


def pareto_front(rows: list) -> list:
    """The rows that are more accurate than all that take as few bytes, by bytes."""
    front, best = [], -1.0
    for row in sorted(rows, key=lambda row: (row.n_bytes, -row.accuracy)):
        if row.accuracy > best:
            front.append(row)
            best = row.accuracy
    return front


def _check(row) -> _Row:
    if not isinstance(row, (tuple, list)) or len(row) != len(_Row._fields):
        raise ValueError(f"A row must be (label, accuracy, spread, bytes). Received: {row!r:.80}. Pass four values.")
    label, accuracy, spread, n_bytes = row
    if not is_real(accuracy) or not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy must be in [0, 1]. Received: {accuracy!r} in {label!r}. Divide percentages by 100.")
    if spread is not None and (not is_real(spread) or spread < 0):
        raise ValueError(f"spread must be None or at least 0. Received: {spread!r} in {label!r}. Leave it at None.")
    if not is_real(n_bytes) or n_bytes <= 0:
        raise ValueError(f"bytes must be positive. Received: {n_bytes!r} in {label!r}. Pass an arena's size.")
    return _Row(str(label), float(accuracy), spread, float(n_bytes))


def _write_labels(ax: Axes, rows: list[_Row]) -> None:
    """Puts each label where it hides least of the others, and stays inside."""
    settle(ax)
    taken = [_bar_box(ax, row) for row in rows]
    if ax.get_legend() is not None:
        taken.append(ax.get_legend().get_window_extent())
    for row in sorted(rows, key=lambda row: -row.accuracy):
        point = row.n_bytes / KIB, 100 * row.accuracy
        text = ax.annotate(row.label, point, xytext=_PLACES[0], textcoords="offset points", fontsize="small")
        text.set_in_layout(False)
        place = min(_PLACES, key=lambda place: _cost(ax, text, place, taken))
        _move(text, place)
        taken.append(text.get_window_extent())


def _move(text, place: tuple[float, float]) -> None:
    dx, dy = place
    text.set_position(place)
    text.set_horizontalalignment("left" if dx > 0 else "right" if dx < 0 else "center")
    text.set_verticalalignment("bottom" if dy > 0 else "top")


def _cost(ax: Axes, text, place: tuple[float, float], taken: list) -> float:
    _move(text, place)
    box, frame = text.get_window_extent(), ax.get_window_extent()
    n_hidden = sum(box.overlaps(other) for other in taken)
    is_inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    return n_hidden + (0 if is_inside else len(taken) + 1)


def _bar_box(ax: Axes, row: _Row):
    from matplotlib.transforms import Bbox

    spread = row.spread or 0
    x, low = ax.transData.transform((row.n_bytes / KIB, 100 * (row.accuracy - spread)))
    high = ax.transData.transform((row.n_bytes / KIB, 100 * (row.accuracy + spread)))[1]
    margin = _MARKER * ax.figure.dpi / 72
    return Bbox.from_extents(x - margin, low - margin, x + margin, high + margin)
