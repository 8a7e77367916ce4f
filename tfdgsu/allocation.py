# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Spreads a number of weights over the input channels of several kernels."""

import math

N_BISECTIONS = 60


def allocate(kernel_shapes: list[tuple[int, ...]], n_weights: float) -> list[int]:
    """Returns how many input channels of each kernel [..., C, O] to update so that at most `n_weights` are.

    Every kernel gets the same share of its channels, but at least one. If one channel each is too much, the kernels with
    the most weights per channel get none.
    """
    n_channels = [shape[-2] for shape in kernel_shapes]
    per_channel = [math.prod(shape) // shape[-2] for shape in kernel_shapes]
    served = sorted(range(len(kernel_shapes)), key=per_channel.__getitem__)
    while served and sum(per_channel[i] for i in served) > n_weights:
        served.pop()

    def at(share: float) -> dict[int, int]:
        return {i: max(1, math.floor(share * n_channels[i])) for i in served}

    def size(allocation: dict[int, int]) -> int:
        return sum(per_channel[i] * n_selected for i, n_selected in allocation.items())

    low, high = 0.0, 1.0
    if size(at(high)) <= n_weights:
        low = high
    for _ in range(N_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if size(at(middle)) <= n_weights else (low, middle)
    allocation = at(low)
    return [allocation.get(i, 0) for i in range(len(kernel_shapes))]
