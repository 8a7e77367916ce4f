# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Channel numbers by integer arithmetic alone: the device runs the same and gets the same, bit for bit."""

import numpy as np

_UINT32 = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9  # 2**32 / golden ratio: spreads consecutive counters


def mix32(x: int) -> int:
    """Hashes uint32 to uint32. Wellons' `lowbias32`, https://nullprogram.com/blog/2018/07/31/."""
    return int(_mix32(np.array([x & _UINT32], np.uint32))[0])


def _mix32(x: np.ndarray) -> np.ndarray:
    """`mix32` of every element; uint32 arrays wrap around silently, as C does."""
    x = x ^ x >> np.uint32(16)
    x = x * np.uint32(0x7FEB352D)
    x = x ^ x >> np.uint32(15)
    x = x * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)


def random_uint32(seed: int, layer_id: int, draw: int, n: int) -> np.ndarray:
    """Returns the n random numbers of one draw for one layer, uint32 [n].

    Args:
        seed: uint32, of the user's choice.
        layer_id: Position of the layer in the plan.
        draw: Number of the draw: step // every.
        n: How many numbers.
    """
    key = mix32(mix32(mix32(seed) + layer_id) + draw)
    return _mix32(np.uint32(key) + np.arange(n, dtype=np.uint32) * np.uint32(_GOLDEN))


def random_channels(seed: int, layer_id: int, draw: int, n_channels: int, n_selected: int) -> np.ndarray:
    """Returns k of C channels, every subset equally likely, ascending; int32 [k].

    Selection sampling (Knuth, The Art of Computer Programming, volume 2, 3.4.2, algorithm S): no scratch memory. Channel
    c is taken with probability (still needed) / (still left), compared in 64 bit so that no division is needed.

    Args:
        seed: uint32, of the user's choice.
        layer_id: Position of the layer in the plan.
        draw: Number of the draw: step // every.
        n_channels: C.
        n_selected: k <= C.
    """
    chosen: list[int] = []
    for channel, random in enumerate(random_uint32(seed, layer_id, draw, n_channels).tolist()):
        if random * (n_channels - channel) >> 32 < n_selected - len(chosen):
            chosen.append(channel)
    return np.array(chosen, np.int32)


def cyclic_channels(draw: int, n_channels: int, n_selected: int) -> np.ndarray:
    """Returns the next k of C channels, wrapping around; int32 [k], not sorted."""
    start = draw * n_selected % n_channels
    return ((start + np.arange(n_selected, dtype=np.int64)) % n_channels).astype(np.int32)
