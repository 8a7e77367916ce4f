# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One window of channels after the other."""

import numpy as np

from ..channel_rng import cyclic_channels
from .policy import Draw, Policy


class CyclicPolicy(Policy):
    """The next k channels at every draw, wrapping around: all are visited after ceil(C / k) draws. Runs on the device."""

    name = "cyclic"
    device_kind = "cyclic"

    def select(self, draw: Draw) -> np.ndarray:
        return cyclic_channels(draw.number, draw.n_channels, draw.n_selected)
