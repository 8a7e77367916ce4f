# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every set of channels equally likely."""

import numpy as np

from ..channel_rng import random_channels
from .policy import Draw, Policy


class RandomPolicy(Policy):
    """k channels at random, without replacement, new ones at every draw. Runs on the device."""

    name = "random"
    device_kind = "random"

    def select(self, draw: Draw) -> np.ndarray:
        return random_channels(draw.seed, draw.layer_id, draw.number, draw.n_channels, draw.n_selected)
