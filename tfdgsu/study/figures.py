# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Finished runs as plots; needs the extra `plots`."""

import statistics

import numpy as np

from .. import plots
from .records import Row

# What matplotlib's own colours suffice for.
_N_DEFAULT_COLOURS = 10


def plot_memory(rows: list[Row], number_format: str = "int8"):
    """Accuracy against what backward keeps of forward; returns the Axes."""
    ax = plots.accuracy_vs_memory(
        [(row.recipe.name, row.mean, row.spread, row.memory[number_format]["kept_bytes"]) for row in rows]
    )
    ax.set_xlabel(f"kept for backward in {number_format} (KiB)")
    return ax


def plot_fractions(rows: list[Row]):
    """Accuracy against the share of weights that a step updates; returns the Axes."""
    ax = _axes(len(rows))
    for row in rows:
        ax.errorbar(
            [100 * row.updated_fraction], [100 * row.mean], [100 * (row.spread or 0)], fmt="o", label=row.recipe.name
        )
    ax.set_xscale("symlog", linthresh=1)
    return _finish(ax, "updated a step (% of the convolutions' weights)")


def plot_epochs(rows: list[Row]):
    """Mean accuracy after each epoch; returns the Axes."""
    ax = _axes(len(rows))
    for row in rows:
        means = [100 * statistics.fmean(values) for values in zip(*row.histories.values(), strict=True)]
        ax.plot(range(1, len(means) + 1), means, marker=".", label=row.recipe.name)
    return _finish(ax, "epoch")


def _axes(n_colours: int):
    ax = plots.figures.new_axes(7.5, 5.0)
    if n_colours > _N_DEFAULT_COLOURS:
        from matplotlib import colormaps

        ax.set_prop_cycle(color=colormaps["turbo"](np.linspace(0, 1, n_colours)))
    return ax


def _finish(ax, x_label: str):
    ax.set_xlabel(x_label)
    ax.set_ylabel("accuracy (%)")
    ax.grid(alpha=0.25)
    ax.legend(frameon=False, fontsize="small")
    plots.figures.clean(ax)
    return ax
