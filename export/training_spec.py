# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the compiler needs to know of a ``SparseUpdateModel``, as plain NumPy.

From here on the compiler is free of Keras: passes see a graph and a ``TrainingSpec``.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..channel_schedule import ChannelSchedule
from .ops.custom.int8_update import NEAREST, REMAINDER, STOCHASTIC

# How an update of an integer weight is rounded: the ops' option, by the name that an export is given.
ROUNDING = {"nearest": NEAREST, "stochastic": STOCHASTIC, "remainder": REMAINDER}


@dataclasses.dataclass(frozen=True)
class LayerRateSpec:
    """What the learning rate of a layer's kernel follows from with ``tfdgsu.LARS``, as training has left it.

    Attributes:
        mean_square: Running mean square of the gradient, or 0.
        rate: Of the step before, or 0.
        root_mean_square: Of the kernel, when the optimizer was built.
    """

    mean_square: float
    rate: float
    root_mean_square: float


@dataclasses.dataclass(frozen=True)
class LayerSpec:
    """One update layer.

    Attributes:
        name: Keras layer name.
        layer_id: Position in the plan; seeds the layer's channel sequence.
        n_channels: Input channels of the layer (C).
        n_selected: Channels updated per step (k); C means all, 0 the bias alone.
        channels: int32 ``[k]``, the selection at export, positions in the pool if there is one; None where all channels
            of layer or pool are updated, and for k == 0.
        kernel: Current kernel in TFLite's layout, float32.
        bias: Current bias, float32, or None.
        update_bias: Whether the bias is trained.
        kernel_velocity: Momentum state of the selected slice in TFLite's layout, or None.
        bias_velocity: Momentum state of the bias, or None.
        pool: int32 ``[P]`` ascending, the input channels that may ever be updated; None for all.
        rate: State of the kernel's own learning rate, or None.
    """

    name: str
    layer_id: int
    n_channels: int
    n_selected: int
    channels: np.ndarray | None
    kernel: np.ndarray
    bias: np.ndarray | None
    update_bias: bool
    kernel_velocity: np.ndarray | None = None
    bias_velocity: np.ndarray | None = None
    pool: np.ndarray | None = None
    rate: LayerRateSpec | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether only some of the channels that may be are updated, so that there is something to select."""
        return self.channels is not None

    @property
    def n_mutable(self) -> int:
        """Channels that selected ones are drawn from."""
        return self.n_channels if self.pool is None else len(self.pool)

    def with_selection_as_pool(self) -> LayerSpec:
        """The same layer if its selection never changes: the selected channels are the pool, and there is no other."""
        selected = self.channels if self.pool is None else self.pool[self.channels]
        order = np.argsort(selected)
        velocity = None if self.kernel_velocity is None else self.kernel_velocity[..., order]
        pool = selected[order].astype(np.int32)
        return dataclasses.replace(self, channels=None, pool=pool, kernel_velocity=velocity)


@dataclasses.dataclass(frozen=True)
class LossSpec:
    """Loss by its Keras name, and whether it takes logits."""

    name: str
    from_logits: bool = False


@dataclasses.dataclass(frozen=True)
class SgdSpec:
    """SGD as ``keras.optimizers.SGD`` defines it; the learning rate is an input of the bundle."""

    momentum: float = 0.0
    nesterov: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class LarsSpec(SgdSpec):
    """``tfdgsu.LARS``: SGD with momentum, in which kernels of convolutions have learning rates of their own."""

    trust_coefficient: float
    beta: float


@dataclasses.dataclass(frozen=True)
class TrainingSpec:
    """The training step to compile.

    Attributes:
        layers: The update layers, in the plan's order.
        loss: What the step minimises.
        optimizer: How it updates.
        schedule: When channels are re-drawn, and who draws them.
        step: Training steps so far; the device goes on counting from here.
        rounding: How updates of int8 weights are rounded, a key of ``ROUNDING``; None for a float32 step.
    """

    layers: tuple[LayerSpec, ...]
    loss: LossSpec
    optimizer: SgdSpec
    schedule: ChannelSchedule
    step: int = 0
    rounding: str | None = None

    @property
    def counts_steps(self) -> bool:
        """Whether the device keeps a step counter: the state of its random numbers."""
        return self.draws_on_device or self.rounding is not None

    @property
    def draws_on_device(self) -> bool:
        """Whether the device re-draws channels itself, for which it counts steps."""
        return self.schedule.device_kind in ("cyclic", "random") and any(l.is_sparse for l in self.layers)
