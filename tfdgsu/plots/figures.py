# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What all plots share: their axes, their colours, their unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KIB = 1024
# Okabe and Ito's palette, which colour-blind readers can tell apart.
SKY_BLUE, ORANGE, PURPLE, GREEN = "#56b4e9", "#e69f00", "#cc79a7", "#009e73"
YELLOW, BLUE, VERMILION, GREY = "#f0e442", "#0072b2", "#d55e00", "#b3b3b3"
EDGE = "white"


def new_axes(width: float, height: float) -> Axes:
    """The axes of a new figure of pyplot's, of a size in inches.

    Raises:
        ImportError: matplotlib isn't installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Plots need matplotlib. Received: no module {error.name!r}. Install it with: pip install 'tfdgsu[plots]'"
        ) from error
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def put_legend_under_title(ax: Axes, title: str, handles: list) -> None:
    """Writes the title and, between it and the drawing, the legend as one row."""
    ax.set_title(title, loc="left", fontsize="medium", pad=26)
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-0.01, 0.995),
        borderaxespad=0.3,
        ncols=max(len(handles), 1),
        frameon=False,
        fontsize="small",
    )


def clean(ax: Axes) -> None:
    """Leaves out the box around the drawing."""
    ax.spines[["top", "right"]].set_visible(False)


def settle(ax: Axes) -> None:
    """Has matplotlib lay the figure out, so that sizes in it are final."""
    figure = ax.figure
    while not hasattr(figure, "draw_without_rendering"):  # A figure inside a figure.
        figure = figure.figure
    figure.draw_without_rendering()
