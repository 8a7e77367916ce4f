# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Draws the channels to update: integer arithmetic, the same on every machine."""

import numpy as np

from .base import TRAIN, CustomOp, Field, Operand

CYCLIC, RANDOM = 1, 2
_MASK = 0xFFFFFFFF
_MAX_CHANNELS = 1 << 24  # a draw walks through all of them

# Written out although tfdgsu/channel_rng.py draws the same numbers: a build loads these definitions without the package,
# and a reference of its own is something to test that module against.


def mix32(x):
    """Bijective 32-bit hash ("lowbias32", C. Wellons, "Prospecting for Hash Functions")."""
    x ^= x >> 16
    x = (x * 0x7FEB352D) & _MASK
    x ^= x >> 15
    x = (x * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def draw_channels(policy, seed, layer_id, draw, n_selected, n_channels):
    """The `draw`-th selection of a layer: a list of `n_selected` distinct channels.

    cyclic: a window that moves on by its own width. random: selection sampling (Knuth,
    TAOCP vol. 2, 3.4.2, algorithm S), ascending, with a counter-based generator.
    """
    if policy == CYCLIC:
        start = draw * n_selected % n_channels
        return [(start + i) % n_channels for i in range(n_selected)]
    key = mix32((mix32((mix32(seed) + layer_id) & _MASK) + draw) & _MASK)
    chosen = []
    for channel in range(n_channels):
        r = mix32((key + channel * 0x9E3779B9) & _MASK)
        if (r * (n_channels - channel)) >> 32 < n_selected - len(chosen):
            chosen.append(channel)
    return chosen


class SelectChannels(CustomOp):
    """At the start of every period re-draws `channels` and clears the velocity."""

    NAME = "TfdgsuSelectChannels"
    OPTIONS = (
        Field("policy", "i"),
        Field("period_steps", "i"),
        Field("seed", "u"),
        Field("layer_id", "i"),
        Field("n_channels", "i"),
    )
    INPUTS = (
        TRAIN,
        Operand("step", "int32"),
        Operand("channels", "int32"),
        Operand("velocity", optional=True),
    )
    MUTATES = (2, 3)

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        _, step, channels, _ = inputs
        cls.require(step == (1,), "`step` must have shape [1]", step)
        cls.require(options["policy"] in (CYCLIC, RANDOM), "policy must be 1 or 2", options["policy"])
        cls.require(options["period_steps"] >= 1, "period_steps must be positive", options["period_steps"])
        cls.require(options["layer_id"] >= 0, "layer_id must not be negative", options["layer_id"])
        n = options["n_channels"]
        cls.require(n <= _MAX_CHANNELS, f"n_channels must be at most {_MAX_CHANNELS}", n)
        cls.require(len(channels) == 1 and channels[0] <= n, f"`channels` must be [k] with k <= {n}", channels)

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        del output_shapes
        _, step, channels, velocity = inputs
        step = int(step[0])
        if step % options["period_steps"] == 0:
            channels[:] = np.array(
                draw_channels(
                    options["policy"],
                    options["seed"],
                    options["layer_id"],
                    step // options["period_steps"],
                    channels.size,
                    options["n_channels"],
                ),
                np.int32,
            )
            if velocity is not None:
                velocity[...] = 0
        return []
