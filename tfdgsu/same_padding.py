# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""How many zeros SAME puts around an image."""


def same_padding(in_size: int, window_size: int, stride: int) -> tuple[int, int]:
    """Returns the rows (or columns) of zeros in front of the image and behind it; the odd one goes behind.

    Source: https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding".
    """
    n_windows = -(-in_size // stride)
    total = max((n_windows - 1) * stride + window_size - in_size, 0)
    return total // 2, total - total // 2
