# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Channels with large weights more often."""

import numpy as np

from ..channel_rng import random_uint32
from .policy import Draw, Policy


class ImportancePolicy(Policy):
    """k channels at random, without replacement, with probability in proportion to a score.

    The score is the norm of the channel's weights, `||kernel[..., c, :]||`; subclasses override `scores`. Weighted sampling
    without replacement is that of Efraimidis and Spirakis (Information Processing Letters 97, 2006): the k largest
    log(u) / score with u uniform in (0, 1), u from the integer generator, so a draw depends on seed, layer and draw number
    alone besides the scores. A device takes the channel numbers as an input.
    """

    name = "importance"

    def scores(self, draw: Draw) -> np.ndarray:
        """Returns a non-negative weight of each channel, [C]."""
        axes = tuple(axis for axis in range(draw.kernel.ndim) if axis != draw.kernel.ndim - 2)
        return np.sqrt(np.sum(np.square(draw.kernel, dtype=np.float64), axis=axes))

    def select(self, draw: Draw) -> np.ndarray:
        scores = np.asarray(self.scores(draw), np.float64)
        # A channel of score 0 comes after all others but isn't excluded: k of them must be found.
        scores = np.maximum(scores, 1e-12 * max(scores.max(), 1e-12))
        uniform = (random_uint32(draw.seed, draw.layer_id, draw.number, draw.n_channels) + 0.5) / 2.0**32
        order = np.argsort(-np.log(uniform) / scores, kind="stable")
        return np.sort(order[: draw.n_selected]).astype(np.int32)
