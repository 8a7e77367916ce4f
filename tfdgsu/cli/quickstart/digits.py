# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's embedded handwritten digits, upright and as a camera mounted askew sees them."""

from typing import NamedTuple

import numpy as np

ROTATION_DEG = 45
SHIFT = f"rotated by {ROTATION_DEG} degrees"
N_CLASSES = 10
IMAGE_SHAPE = (16, 16, 1)

N_PRETRAIN = 800
N_FINE_TUNE = 600
_SPLIT_SEED = 0
_MAX_INTENSITY = 16  # Of the data set, whose pixels count set dots in 4x4 squares.


class Examples(NamedTuple):
    """Labelled images.

    Attributes:
        x: float32 [N, 16, 16, 1] in [0, 1].
        y: int32 [N], the digit.
    """

    x: np.ndarray
    y: np.ndarray


class Digits(NamedTuple):
    """Disjoint parts of the 1,797 images.

    Attributes:
        pretrain: Upright; what the network learned before it was shipped.
        fine_tune: Rotated; what the device sees in its place.
        held_out: Rotated; never trained on.
        held_out_upright: The images of `held_out` before they were rotated.
    """

    pretrain: Examples
    fine_tune: Examples
    held_out: Examples
    held_out_upright: Examples


def load() -> Digits:
    """Reads, enlarges, shuffles with a fixed seed, splits and rotates the digits. Nothing is downloaded."""
    from scipy import ndimage
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(data.target))
    # Twice the size, so that two strided convolutions leave something to look at.
    x = ndimage.zoom(data.images[order] / _MAX_INTENSITY, (1, 2, 2), order=1)
    rotated = ndimage.rotate(x, ROTATION_DEG, axes=(1, 2), reshape=False, order=1)
    y = data.target[order]
    fine_tune_end = N_PRETRAIN + N_FINE_TUNE
    return Digits(
        pretrain=_examples(x[:N_PRETRAIN], y[:N_PRETRAIN]),
        fine_tune=_examples(rotated[N_PRETRAIN:fine_tune_end], y[N_PRETRAIN:fine_tune_end]),
        held_out=_examples(rotated[fine_tune_end:], y[fine_tune_end:]),
        held_out_upright=_examples(x[fine_tune_end:], y[fine_tune_end:]),
    )


def _examples(x: np.ndarray, y: np.ndarray) -> Examples:
    return Examples(x[..., np.newaxis].astype(np.float32), y.astype(np.int32))
