# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Re-draws the channels of a `SparseUpdateModel` while it trains."""

import keras
import numpy as np

from . import policies
from .byte_size import FLOAT_BYTES
from .channel_schedule import ChannelSchedule
from .lars import check_period
from .sparse_update_model import SparseUpdateModel
from .update_variables import UpdateVariables


class DynamicSparseCallback(keras.callbacks.Callback):
    """Selects new channels at the start of every `every`-th training step.

    Steps are counted by the model, over all calls of `fit`, so a model that is saved and loaded goes on with the same
    sequence. Adds "visited_fraction" to the logs: the share of the update layers' parameters that was updated so far.

    Example:
        sparse.fit(x, y, callbacks=[tfdgsu.DynamicSparseCallback(policy="random", every=10, seed=7)])

    Args:
        policy: "static", "static_l1", "cyclic", "random", "importance", "gradient", "fisher", or a `tfdgsu.policies.Policy`.
        every: Period in steps.
        seed: uint32 seed of the policy.

    Raises:
        TypeError: At `fit`, if the model is not a `SparseUpdateModel`.
        ValueError: At `fit`, if the plan selects no channels, `steps_per_execution` would skip re-draws, two are given, or
            `tfdgsu.LARS` is to train channels that are drawn at every step.
    """

    def __init__(self, policy: str | policies.Policy = "random", every: int = 100, seed: int = 0):
        super().__init__()
        self.policy = policies.get(policy)
        self.schedule = ChannelSchedule(self.policy.name, every, seed, self.policy.device_kind)
        self._must_draw_static = False
        self._visited: dict[str, np.ndarray] = {}
        self._visited_fraction = 0.0
        self._is_visit_recorded = False

    def set_model(self, model: keras.Model) -> None:
        if not isinstance(model, SparseUpdateModel):
            raise TypeError(
                "DynamicSparseCallback needs a tfdgsu.SparseUpdateModel. "
                f"Received: model={model!r}. Wrap it: tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model))."
            )
        if not model.channels and self.policy.device_kind != "static":
            raise ValueError(
                "This plan selects no channels, so there is nothing to re-draw. "
                f"Received: policy={self.policy.name!r}. Read in plan.summary() why; raise update_fraction=, choose "
                "layers=, or drop the callback."
            )
        super().set_model(model)
        self._must_draw_static = self._step() == 0 or model.schedule != self.schedule
        model.schedule = self.schedule
        model.track_statistics(self.policy.statistics)

    def on_train_begin(self, logs=None):
        if self.model.schedule is not self.schedule:
            raise ValueError(
                "One callback draws the channels, because the model and its bundle have one schedule. "
                f"Received: another DynamicSparseCallback, with policy {self.model.schedule.policy!r}, next to this one "
                f"with policy {self.schedule.policy!r}. Drop one of the two."
            )
        check_period(getattr(self.model, "optimizer", None), self.schedule)
        n_per_execution = self.model.steps_per_execution
        if self._redraws and n_per_execution > 1 and self.schedule.every % n_per_execution:
            raise ValueError(
                "A re-draw can only happen between executions, so every must be a multiple of steps_per_execution. "
                f"Received: every={self.schedule.every}, steps_per_execution={n_per_execution}. Change one of the two."
            )
        self._visited = {name: item.visited.numpy() for name, item in self._items()}
        self._is_visit_recorded = False
        if not self._redraws and self._must_draw_static:
            self._draw(0)
            self._must_draw_static = False

    def on_train_batch_begin(self, batch, logs=None):
        if not self._redraws:
            return
        every = self.schedule.every
        step = self._step()
        if step % every == 0:
            self._draw(step // every)
        elif step % every + self.model.steps_per_execution > every:
            raise ValueError(
                "An execution would run over a re-draw, because an earlier one was cut short. "
                f"Received: step={step}, every={every}, steps_per_execution={self.model.steps_per_execution}. "
                "Make the steps per epoch a multiple of steps_per_execution."
            )

    def on_train_batch_end(self, batch, logs=None):
        if not self._is_visit_recorded:
            for name, item in self._items():
                self._visited[name][item.channels.numpy()] = 1
            self._visited_fraction = self._compute_visited_fraction()
            self._is_visit_recorded = True
        if logs is not None:
            logs["visited_fraction"] = self._visited_fraction

    def on_epoch_end(self, epoch, logs=None):
        self._store_visited()
        if logs is not None:
            logs["visited_fraction"] = self._visited_fraction

    def on_train_end(self, logs=None):
        self._store_visited()

    @property
    def _redraws(self) -> bool:
        return self.policy.device_kind != "static"

    def _step(self) -> int:
        return int(self.model.step.numpy())

    def _items(self) -> list[tuple[str, UpdateVariables]]:
        return [(name, item) for name, item in self.model.update_variables.items() if item.channels is not None]

    def _draw(self, number: int) -> None:
        drawn = {name: self.policy.select(self._request(item, number)) for name, item in self._items()}
        for name, item in self._items():
            if item.update.has_pool:
                drawn[name] = _in_pool(name, drawn[name], item.pool)
        self.model.set_channels(drawn)
        self._is_visit_recorded = False

    def _request(self, item: UpdateVariables, number: int) -> policies.Draw:
        update = item.update
        n_kept = self.model.kept_elements_per_channel(update.name)
        return policies.Draw(
            layer_name=update.name,
            layer_id=item.layer_id,
            number=number,
            seed=self.schedule.seed,
            n_channels=update.n_mutable,
            n_selected=update.n_selected,
            bytes_per_channel=FLOAT_BYTES * (update.weights_per_channel + n_kept),
            kernel=item.kernel.numpy().take(item.pool, axis=-2),
            **{name: variable.numpy()[item.pool] for name, variable in item.statistics.items()},
        )

    def _compute_visited_fraction(self) -> float:
        n_visited = n_all = 0
        for name, item in self.model.update_variables.items():
            update = item.update
            visited = self._visited.get(name)
            share = 1.0 if visited is None else visited[item.pool].mean()
            n_kernel = update.n_mutable_weights
            n_bias = item.bias.shape[0] if item.bias is not None else 0
            n_visited += share * n_kernel + n_bias
            n_all += n_kernel + n_bias
        return float(n_visited / n_all)

    def _store_visited(self) -> None:
        for name, item in self._items():
            item.visited.assign(self._visited[name])


def _in_pool(name: str, positions: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Returns the channel numbers at some positions of a pool."""
    positions = np.asarray(positions)
    is_valid = np.issubdtype(positions.dtype, np.integer) and positions.size and 0 <= positions.min()
    if not is_valid or positions.max() >= len(pool):
        raise ValueError(
            f"A policy draws positions in the pool of layer {name!r}, integers in [0, {len(pool)}). "
            f"Received: {positions!r}. Make it return such numbers."
        )
    return pool[positions]
