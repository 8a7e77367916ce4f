# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a channel policy is."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Draw:
    """One request for channels of one layer.

    Attributes:
        layer_name: The update layer.
        layer_id: Its position in the plan.
        number: Number of the draw: step // every.
        seed: uint32 seed of the schedule.
        n_channels: Input channels C that may be drawn; of a layer with a pool, the P of the pool, and everything here is
            numbered within it.
        n_selected: How many to choose, k.
        bytes_per_channel: Memory that selecting one channel takes on a device: its weights and its kept activations.
        kernel: The layer's kernel now, [..., C, O].
        gradient_norms: float32 [C], running mean of the norm of each channel's kernel gradient, -1 where it was never
            selected. Like `fisher`, only kept up to date for policies that name it in `statistics`.
        fisher: float32 [C], running mean of the square of the loss's derivative by a factor on the channel: the sum of
            weights times gradients, which is that of activations times gradients; -1 where it was never selected.
    """

    layer_name: str
    layer_id: int
    number: int
    seed: int
    n_channels: int
    n_selected: int
    bytes_per_channel: int
    kernel: np.ndarray
    gradient_norms: np.ndarray
    fisher: np.ndarray


class Policy:
    """Chooses the channels that a layer updates until the next draw.

    Subclass it, set `name`, and override `select`; pass an instance to `DynamicSparseCallback`.

    Example:
        class LastChannels(tfdgsu.policies.Policy):
            name = "last"

            def select(self, draw):
                return np.arange(draw.n_channels - draw.n_selected, draw.n_channels)

    Attributes:
        name: What the schedule and the bundle store.
        device_kind: What a device does for it: "static" (channels are a constant of the bundle), "cyclic" or "random" (it
            computes the same sequence itself), "input" (the host hands it channel numbers). Leave "input" unless `select`
            is exactly the built-in sequence.
        statistics: Which of "gradient_norms" and "fisher" training should keep up to date in `Draw`.
    """

    name = "custom"
    device_kind = "input"
    statistics: tuple[str, ...] = ()

    def select(self, draw: Draw) -> np.ndarray:
        """Returns k distinct channel numbers in [0, C), integers [k]."""
        raise NotImplementedError
