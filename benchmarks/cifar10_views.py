# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What training sees of an image: mirrored, and moved by some pixels."""

import cifar10_images
import numpy as np

from tfdgsu.study import StudyImages

IMAGE_SIZE = 128
# Pixels that a view is moved by, down and to the right; every other view is mirrored before.
SHIFTS = ((0, 0), (2, -2), (-3, 1), (1, 3), (-1, -3), (3, 2), (-2, -1), (-4, 4))
_MARGIN = 4


def view(images: np.ndarray, number: int) -> np.ndarray:
    """Images as the model takes them, mirrored and moved by the view's number; what comes in is their reflection."""
    down, right = SHIFTS[number // 2 % len(SHIFTS)]
    margins = (0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)
    padded = np.pad(images[:, :, ::-1] if number % 2 else images, margins, mode="reflect")
    height, width = images.shape[1:3]
    top, left = _MARGIN + down, _MARGIN + right
    return cifar10_images.resized(padded[:, top : top + height, left : left + width], IMAGE_SIZE)


def study_images(images: cifar10_images.Images) -> StudyImages:
    """All of them, in these views."""
    return StudyImages(images.images, images.labels, view, f"{IMAGE_SIZE} mirrored and moved by {SHIFTS}")
