# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which channels training has visited, a heat map for every layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..channel_history import ChannelHistory
from ..sparse_update_model import SparseUpdateModel
from .figures import BLUE, ORANGE, clean, new_axes, put_legend_under_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEVER = "#e4e4e4"
_N_COLUMNS = 200  # More than a figure shows apart.
_ROW_INCHES, _FRAME_INCHES, _WIDTH_INCHES = 0.62, 1.3, 9.0
_FILLED = 0.86  # Share of a layer's row that its map fills; the rest keeps layers apart.


def visited_channels(source: ChannelHistory | SparseUpdateModel, ax: Axes | None = None) -> Axes:
    """Draws which input channels were updated, a heat map for each layer that selects channels.

    Of a `ChannelHistory` it draws time to the right, a row of pixels for each channel, and as colour how many steps have
    updated the channel by then. A model knows no more than which channels were ever updated and which are selected now.

    Example:
        history = tfdgsu.ChannelHistory()
        sparse.fit(x, y, callbacks=[tfdgsu.DynamicSparseCallback(policy="random", every=10), history])
        tfdgsu.plots.visited_channels(history)

    Args:
        source: What recorded the draws, or the model.
        ax: Where to draw. Default: a new figure.

    Returns:
        The axes. Each layer's map is an image whose `gid` is the layer's name; its first row is the lowest channel.

    Raises:
        TypeError: `source` is neither.
        ValueError: Nothing was recorded, or the model selects no channels.
        ImportError: matplotlib isn't installed.
    """
    if isinstance(source, ChannelHistory):
        return _draw_history(source, ax)
    if isinstance(source, SparseUpdateModel):
        return _draw_model(source, ax)
    raise TypeError(
        f"source must be a ChannelHistory or a SparseUpdateModel. Received: {source!r:.80}. "
        "Pass the callback that recorded the draws."
    )


def _draw_history(history: ChannelHistory, ax: Axes | None) -> Axes:
    if not history.starts:
        raise ValueError(
            "Channels are drawn as they were recorded. Received: a ChannelHistory without a step. "
            "Pass it to fit in callbacks= first."
        )
    steps = _sample_steps(history)
    maps = {name: history.n_updates(name, steps) for name in history.channels}
    ax = _axes_for(len(maps), ax)
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    most = max(map(np.max, maps.values()))
    least = min(n_updates[n_updates > 0].min() for n_updates in maps.values())
    norm = LogNorm(least, max(most, 2 * least))
    colours = colormaps["viridis"].with_extremes(bad=_NEVER)
    for row, (name, n_updates) in enumerate(maps.items()):
        image = _draw_map(ax, row, name, np.ma.masked_equal(n_updates, 0), history.starts[0], history.end)
        image.set(cmap=colours, norm=norm)
    labels = {
        name: _label(name, n_updates[:, -1] > 0, len(history.channels[name][0])) for name, n_updates in maps.items()
    }
    _finish(ax, labels, history.starts[0], history.end)
    ax.set_xlabel("training step")
    ax.set_title("Updates of each channel so far (grey: none yet)", loc="left", fontsize="medium")
    ax.figure.colorbar(image, ax=ax, label="steps that updated it", pad=0.02, format="{x:,g}")
    return ax


def _sample_steps(history: ChannelHistory) -> np.ndarray:
    """The ends of equal spans of time, at most so many that they can be seen."""
    n_steps = history.end - history.starts[0]
    n_columns = min(n_steps, _N_COLUMNS)
    return history.starts[0] + np.arange(1, n_columns + 1) * n_steps // n_columns


def _draw_model(model: SparseUpdateModel, ax: Axes | None) -> Axes:
    items = {name: item for name, item in model.update_variables.items() if item.channels is not None}
    if not items:
        raise ValueError(
            "Visited channels are those of layers that select some. Received: a model whose plan selects none. "
            "Plan with a smaller update_fraction."
        )
    ax = _axes_for(len(items), ax)
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    states = {"never updated": _NEVER, "updated": BLUE, "selected now": ORANGE}
    labels, widest = {}, max(len(item.pool) for item in items.values())
    for row, (name, item) in enumerate(items.items()):
        visited = item.visited.numpy()[item.pool] > 0
        state = visited.astype(int)
        state[item.pool_channels] = 2
        image = _draw_map(ax, row, name, state[np.newaxis], 0, len(state))
        image.set(cmap=ListedColormap(list(states.values())), clim=(0, 2))
        labels[name] = _label(name, visited, len(item.pool_channels))
    _finish(ax, labels, 0, widest)
    ax.set_xlabel("input channel (of a pool: position in it)")
    handles = [Patch(facecolor=colour, label=state) for state, colour in states.items()]
    put_legend_under_title(ax, f"Channels after {int(model.step.numpy()):,} steps", handles)
    return ax


def _axes_for(n_layers: int, ax: Axes | None) -> Axes:
    return new_axes(_WIDTH_INCHES, _FRAME_INCHES + _ROW_INCHES * n_layers) if ax is None else ax


def _draw_map(ax: Axes, row: int, name: str, values: np.ndarray, first: int, end: int):
    return ax.imshow(
        values,
        extent=(first, end, row + _FILLED, row),
        aspect="auto",
        origin="upper",
        interpolation="nearest",
        gid=name,
    )


def _label(name: str, visited: np.ndarray, n_selected: int) -> str:
    return f"{name}\n{n_selected:,}/{len(visited):,} channels, {100 * visited.mean():.0f}% updated"


def _finish(ax: Axes, labels: dict[str, str], first: int, end: int) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(first, end)
    ax.set_ylim(len(labels) - 1 + _FILLED, 0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_yticks([row + _FILLED / 2 for row in range(len(labels))], labels.values(), fontsize="small")
    ax.tick_params(axis="y", length=0)
    clean(ax)
