# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Channels with large gradients more often, per byte of memory."""

import numpy as np

from .importance import ImportancePolicy
from .policy import Draw


class GradientPolicy(ImportancePolicy):
    """Samples channels in proportion to gradient norm per memory cost, after TraDy (arXiv 2510.19675).

    Norms cost no extra backward: a training step computes the gradient slices of the selected channels anyway, and a
    running mean of their norms is kept per channel. The dense gradient, which would give all norms at once, never exists.
    A channel that was never selected counts as the best one seen so far, so every channel gets its turn.

    Within one layer every channel costs the same memory, so there the cost cancels out; `scores` of different layers can be
    compared, because they are per byte. A device takes the channel numbers as an input.
    """

    name = "gradient"
    statistics = ("gradient_norms",)

    def scores(self, draw: Draw) -> np.ndarray:
        values = getattr(draw, self.statistics[0]).astype(np.float64)
        seen = values >= 0
        best = values[seen].max() if seen.any() else 1.0
        return np.where(seen, values, best) / draw.bytes_per_channel
