# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Records which channels a `SparseUpdateModel` trains, step by step."""

import keras
import numpy as np

from .sparse_update_model import SparseUpdateModel


class ChannelHistory(keras.callbacks.Callback):
    """Records the channels that every training step updates, over all calls of `fit`; `tfdgsu.plots.visited_channels` draws them.

    Example:
        history = tfdgsu.ChannelHistory()
        sparse.fit(x, y, callbacks=[tfdgsu.DynamicSparseCallback(policy="random", every=10), history])
        history.n_updates("conv_2", [history.end])  # Of each channel, how many steps updated it.

    Attributes:
        starts: Steps from which on each recorded selection was trained, ascending.
        channels: By layer name, the channel numbers of each selection, int32 [k].
        pools: By layer name, the channels that selections are drawn from, int32 [P] ascending.
        end: Steps of the model when recording ended.

    Raises:
        TypeError: At `fit`, if the model is not a `SparseUpdateModel`.
        ValueError: At `fit`, if it selects no channels, or is another model than before.
    """

    def __init__(self):
        super().__init__()
        self.starts: list[int] = []
        self.channels: dict[str, list[np.ndarray]] = {}
        self.pools: dict[str, np.ndarray] = {}
        self.end = 0
        self._recorded: SparseUpdateModel | None = None
        self._step = 0

    def set_model(self, model: keras.Model) -> None:
        if not isinstance(model, SparseUpdateModel):
            raise TypeError(
                "ChannelHistory needs a tfdgsu.SparseUpdateModel. "
                f"Received: model={model!r}. Wrap it: tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model))."
            )
        if not model.channels:
            raise ValueError(
                "ChannelHistory records selected channels. Received: a plan that selects none. Drop the callback."
            )
        if self._recorded is not None and self._recorded is not model:
            raise ValueError(
                f"A ChannelHistory records one model. Received: {model.name!r} after {self._recorded.name!r}. "
                "Make another ChannelHistory for it."
            )
        super().set_model(model)
        self._recorded = model
        self.pools = {name: model.update_variables[name].pool for name in model.channels}
        for name in model.channels:
            self.channels.setdefault(name, [])

    def on_train_batch_begin(self, batch, logs=None):
        self._step = int(self.model.step.numpy())

    def on_train_batch_end(self, batch, logs=None):
        # Here, not at the begin: then the callback that re-draws has done so, wherever it stands in the list.
        drawn = {name: variable.numpy() for name, variable in self.model.channels.items()}
        if not self.starts or any(not np.array_equal(self.channels[name][-1], drawn[name]) for name in drawn):
            self.starts.append(self._step)
            for name, channels in drawn.items():
                self.channels[name].append(channels)
        self.end = int(self.model.step.numpy())

    def n_updates(self, layer_name: str, steps) -> np.ndarray:
        """Returns how many steps have updated each channel of a layer's pool.

        Args:
            layer_name: A layer that selects channels.
            steps: Step counts [T] at which to look.

        Returns:
            int64 [P, T]: of channel `pools[layer_name][i]`, the updates among the steps before `steps[t]`.

        Raises:
            ValueError: Nothing was recorded of `layer_name`.
        """
        if not self.channels.get(layer_name):
            raise ValueError(
                f"layer_name must be a layer with recorded channels, {[n for n, c in self.channels.items() if c]}. "
                f"Received: {layer_name!r}. Pass one of them, after fit."
            )
        steps, pool = np.asarray(steps, np.int64), self.pools[layer_name]
        n_updates = np.zeros((len(pool), len(steps)), np.int64)
        ends = [*self.starts[1:], self.end]
        for start, end, channels in zip(self.starts, ends, self.channels[layer_name], strict=True):
            n_updates[np.searchsorted(pool, channels)] += np.clip(steps, start, end) - start
        return n_updates
