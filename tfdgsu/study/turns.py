# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Layers that take turns: between two draws of channels one group of them is updated, the others stay as they are.

Only to compare: a bundle is one graph, which keeps what all of its layers need in every step.
"""

import dataclasses
from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from .. import policies
from ..lars import LARS


@dataclasses.dataclass(frozen=True)
class Turns:
    """Which layers are updated when.

    Attributes:
        layer_names: The layers that take turns; the n-th belongs to group n % `n_groups`.
        n_groups: How many groups there are.
        every: Steps that a turn takes.
    """

    layer_names: tuple[str, ...]
    n_groups: int
    every: int

    def group_of(self, layer_name: str) -> int:
        return self.layer_names.index(layer_name) % self.n_groups


class TurnsPolicy(policies.Policy):
    """Draws for a layer when its turn begins, as another policy does, and keeps what it drew until the next."""

    name = "turns"

    def __init__(self, policy: str, turns: Turns):
        self._policy, self._turns = policies.get(policy), turns

    def select(self, draw: policies.Draw) -> np.ndarray:
        group, n_groups = self._turns.group_of(draw.layer_name), self._turns.n_groups
        # Before a layer's first turn it has the channels of that one.
        number = max(draw.number - (draw.number - group) % n_groups, group)
        return self._policy.select(dataclasses.replace(draw, number=number))


class TurnsLARS(LARS):
    """LARS that gets no gradient of a kernel whose layer must wait: without velocity, which a draw clears, it stays.

    Args:
        turns: Which layers are updated when.
        slices: By layer name, what the optimizer sees of its kernel.
        **kwargs: As those of `LARS`.
    """

    def __init__(self, turns: Turns, slices: Mapping[str, keras.Variable], **kwargs):
        super().__init__(**kwargs)
        self._turns = turns
        self._group_of = {slices[name].path: turns.group_of(name) for name in turns.layer_names}

    def build(self, variables):
        super().build(variables)
        self._groups = [self._group_of.get(variable.path) for variable in variables]

    def update_step(self, gradient, variable, learning_rate):
        group = self._groups[self._get_variable_index(variable)]
        if group is not None:
            turn = (self.iterations // self._turns.every) % self._turns.n_groups
            gradient = gradient * ops.cast(turn == group, gradient.dtype)
        super().update_step(gradient, variable, learning_rate)
