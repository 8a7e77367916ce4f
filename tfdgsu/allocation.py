# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Spreads a number of weights over the input channels of several kernels."""

import heapq
import math


def channel_gain(gain: float, n_selected: int, n_channels: int, n_mutable: int | None = None) -> float:
    """Returns what k of C channels of a kernel count: gain * sqrt(k / C), or gain * P / C * sqrt(k / P) drawn from P.

    One step of gradient descent gains gain * k / C in the mean, but over a training returns diminish: all channels of a
    layer push its output the same way, and re-drawing visits them all. With the square root the best choice spreads.
    Channels that are never drawn take their part of the gain with them; of a fixed choice, P = k, gain * k / C is left.
    """
    n_mutable = n_channels if n_mutable is None else n_mutable
    return gain * math.sqrt(n_selected * n_mutable) / n_channels


def allocate(kernel_shapes: list[tuple[int, ...]], gains: list[float], n_weights: float) -> list[int]:
    """Returns how many input channels of each kernel [..., C, O] to update so that at most `n_weights` are.

    Channel by channel, the kernel with the highest gain per weight gets the next one: the sum of `channel_gain` is
    concave, so this is its maximum up to the last channel. Without a limit, every kernel with a gain gets all its channels.
    """
    per_channel = [math.prod(shape) // shape[-2] for shape in kernel_shapes]
    chosen = [0] * len(kernel_shapes)

    def offer(i: int) -> tuple[float, int]:
        n_channels = kernel_shapes[i][-2]
        more = channel_gain(gains[i], chosen[i] + 1, n_channels) - channel_gain(gains[i], chosen[i], n_channels)
        return -more / per_channel[i], -i  # Of equals the last: later layers are cheaper to reach.

    offers = [offer(i) for i in range(len(kernel_shapes)) if gains[i] > 0]
    heapq.heapify(offers)
    while offers:
        i = -heapq.heappop(offers)[1]
        if per_channel[i] > n_weights:
            continue
        n_weights -= per_channel[i]
        chosen[i] += 1
        if chosen[i] < kernel_shapes[i][-2]:
            heapq.heappush(offers, offer(i))
    return chosen
