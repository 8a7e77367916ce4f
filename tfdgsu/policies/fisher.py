# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Channels with much Fisher information more often, per byte of memory."""

from .gradient import GradientPolicy


class FisherPolicy(GradientPolicy):
    """Samples channels in proportion to Fisher information per memory cost, the score of TinyTrain (arXiv 2307.09988).

    TinyTrain computes it once, for all channels, before training; here it is a running mean of the channels that training
    selects, see `Draw.fisher`. The rest is as with `GradientPolicy`.
    """

    name = "fisher"
    statistics = ("fisher",)
