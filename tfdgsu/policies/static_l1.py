# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The usual baseline: the channels with the largest weights."""

import numpy as np

from ..update_variables import choose_pool
from .policy import Draw, Policy


class StaticL1Policy(Policy):
    """From start to end the k channels whose weights have the largest L1 norm before training. A constant on a device."""

    name = "static_l1"
    device_kind = "static"

    def select(self, draw: Draw) -> np.ndarray:
        return choose_pool(draw.kernel, draw.n_selected)
