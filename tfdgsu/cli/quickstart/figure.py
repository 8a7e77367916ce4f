# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The picture: losses of both sides, their difference, and the arena over time."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ... import plots
from ...plots.figures import GREEN, KIB, SKY_BLUE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ...export.arena import ArenaPrediction
    from .experiment import Outcome

_WINDOW = 100  # Steps of the running mean: single images jump too much to see anything.
_KERAS_COLOUR, _TFLM_COLOUR = "#f2a65a", "#1f3a5f"
_DPI = 100
# Differences of exactly zero have no logarithm.
_SMALLEST_DIFFERENCE = 1e-9


def write_figure(outcome: Outcome, path: pathlib.Path) -> None:
    """Writes a PNG."""
    figure = Figure(figsize=(17, 8.5), dpi=_DPI)
    FigureCanvasAgg(figure)  # Not pyplot: no window system, no global state.
    curves = figure.add_gridspec(2, 1, left=0.04, right=0.3, bottom=0.1, top=0.94, height_ratios=(1.6, 1), hspace=0.25)
    losses = figure.add_subplot(curves[0])
    _draw_losses(losses, outcome)
    _draw_difference(figure.add_subplot(curves[1], sharex=losses), outcome)
    arena = figure.add_gridspec(1, 2, left=0.35, right=0.99, bottom=0.1, top=0.94, width_ratios=(8, 1), wspace=0.09)
    plots.arena(outcome.report.arena, ax=figure.add_subplot(arena[0]))
    _draw_total(figure.add_subplot(arena[1]), outcome.report.arena, outcome.arena.total_bytes)
    figure.savefig(path)


def _draw_losses(axes: Axes, outcome: Outcome) -> None:
    keras, tflm = _running_mean(outcome.keras_losses), _running_mean(outcome.tflm_losses)
    steps = np.arange(_WINDOW, _WINDOW + len(keras))
    axes.plot(steps, keras, color=_KERAS_COLOUR, linewidth=6, label=f"Keras, accuracy {outcome.keras_after:.3f} after")
    axes.plot(
        steps,
        tflm,
        color=_TFLM_COLOUR,
        linewidth=1.5,
        linestyle="--",
        label=f"TFLM, accuracy {outcome.tflm_after:.3f} after",
    )
    axes.set_title(f"Fine-tuning: loss, mean of {_WINDOW} steps", loc="left", fontweight="bold")
    axes.set_ylabel("crossentropy")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    _clean(axes)


def _draw_difference(axes: Axes, outcome: Outcome) -> None:
    axes.semilogy(np.maximum(outcome.loss_differences, _SMALLEST_DIFFERENCE), ".", markersize=2, color=_TFLM_COLOUR)
    axes.set_title("|Keras - TFLM| of each step", loc="left", fontweight="bold")
    if outcome.n_equal_steps < outcome.n_steps:
        axes.axvline(outcome.n_equal_steps, color="black", linewidth=0.8, linestyle=":")
        # Where there is room: few steps leave none on the left.
        align = "left" if outcome.n_equal_steps < outcome.n_steps / 2 else "right"
        note, transform = " rounding decides \n over a ReLU ", axes.get_xaxis_transform()
        place = 0.02 if align == "left" else 0.97
        vertical = "bottom" if align == "left" else "top"
        axes.text(outcome.n_equal_steps, place, note, ha=align, va=vertical, fontsize=9, transform=transform)
    axes.set_xlabel("training step (one image each)")
    axes.set_ylabel("difference of losses")
    _clean(axes)


def _draw_total(axes: Axes, arena: ArenaPrediction, measured_bytes: int) -> None:
    """Draws head and tail as one column; names the measured size beside the predicted one."""
    n_variable_bytes = arena.tail_by_kind["variables"]
    parts = (
        ("head", arena.head_bytes, SKY_BLUE),
        ("variables", n_variable_bytes, GREEN),
        ("interpreter", arena.tail_bytes - n_variable_bytes, "#dddddd"),
    )
    start = 0
    for name, n_bytes, colour in parts:
        axes.add_patch(Rectangle((0, start / KIB), 1, n_bytes / KIB, facecolor=colour, edgecolor="white"))
        middle = (start + n_bytes / 2) / KIB
        axes.text(0.5, middle, f"{name}\n{n_bytes:,}", ha="center", va="center", fontsize=9)
        start += n_bytes
    axes.set_xlim(0, 1)
    axes.set_ylim(0, start / KIB)
    axes.set_xticks([])
    axes.set_title("All of it", loc="left", fontweight="bold")
    axes.set_xlabel(f"predicted {arena.total_bytes:,}\nmeasured {measured_bytes:,}")
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _running_mean(values: list[float]) -> np.ndarray:
    return np.convolve(values, np.full(_WINDOW, 1 / _WINDOW), mode="valid")


def _clean(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
