# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The baseline that never re-draws."""

from collections.abc import Mapping

import numpy as np

from ..channel_rng import random_channels
from .policy import Draw, Policy


class StaticPolicy(Policy):
    """The same channels from start to end. On a device they are a constant.

    Args:
        channels: By layer name, the channels, as positions in the pool if the layer has one; layers that aren't named take
            the random draw 0 of the seed.
    """

    name = "static"
    device_kind = "static"

    def __init__(self, channels: Mapping[str, np.ndarray] | None = None):
        self.channels = dict(channels or {})

    def select(self, draw: Draw) -> np.ndarray:
        if draw.layer_name in self.channels:
            return np.asarray(self.channels[draw.layer_name])
        return random_channels(draw.seed, draw.layer_id, 0, draw.n_channels, draw.n_selected)
