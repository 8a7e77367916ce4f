# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What training sees of an image: mirrored and moved by some pixels, or cropped, stretched and coloured at random."""

import zlib

import cifar10_images
import numpy as np

from tfdgsu.study import StudyImages

IMAGE_SIZE = 128
# Pixels that a view is moved by, down and to the right; every other view is mirrored before.
SHIFTS = ((0, 0), (2, -2), (-3, 1), (1, 3), (-1, -3), (3, 2), (-2, -1), (-4, 4))
N_SHIFTED = 2 * len(SHIFTS)
# Of the views behind the shifted ones: the least and largest width and height of what is cropped, as shares of the image's,
# how much these two may differ, and how much brightness, contrast and saturation change.
CROPS, STRETCH, COLOURS = (0.75, 1.12), 1.13, 0.2
_MARGIN = 4


def view(images: np.ndarray, number: int) -> np.ndarray:
    """A view of each image, as the model takes it, the same at every call; around the image lies its reflection."""
    margins = (0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)
    mirrored = images[:, :, ::-1] if number % 2 else images
    padded = np.pad(mirrored, margins, mode="reflect")
    if number >= N_SHIFTED:
        return _random_view(padded, images, number)
    down, right = SHIFTS[number // 2]
    height, width = images.shape[1:3]
    top, left = _MARGIN + down, _MARGIN + right
    return cifar10_images.resized(padded[:, top : top + height, left : left + width], IMAGE_SIZE)


def _random_view(padded: np.ndarray, images: np.ndarray, number: int) -> np.ndarray:
    """One box out of each padded image, in other colours; what is drawn depends on the image's bytes and the number."""
    import tensorflow as tf

    drawn = np.stack([_draw(image, number) for image in images])
    size, stretch, down, right, colours = drawn[:, 0], drawn[:, 1], drawn[:, 2], drawn[:, 3], drawn[:, 4:]
    size = CROPS[0] + (CROPS[1] - CROPS[0]) * size
    stretch = STRETCH ** (2 * stretch - 1)
    share = np.array(images.shape[1:3]) / np.array(padded.shape[1:3])  # Of the padded image, what the image is.
    sides = np.minimum(1, np.stack([size * stretch, size / stretch], -1) * share)
    starts = np.stack([down, right], -1) * (1 - sides)
    boxes = np.concatenate([starts, starts + sides], -1)
    coloured = _coloured(padded / np.float32(127.5) - np.float32(1), 1 + COLOURS * (2 * colours - 1))
    return tf.image.crop_and_resize(coloured, boxes, np.arange(len(images)), (IMAGE_SIZE, IMAGE_SIZE)).numpy()


def _draw(image: np.ndarray, number: int) -> np.ndarray:
    """Seven numbers in [0, 1): size, stretch, place (2), brightness, contrast, saturation."""
    return np.random.default_rng([number, zlib.crc32(image.tobytes())]).random(7)


def _coloured(images: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] with brightness, contrast and saturation, columns of `factors`, multiplied."""
    brightness, contrast, saturation = factors.astype(np.float32).T[:, :, np.newaxis, np.newaxis, np.newaxis]
    grey = images.mean(-1, keepdims=True)
    mean = grey.mean((1, 2), keepdims=True)
    coloured = mean + contrast * (grey - mean + saturation * (images - grey))
    return np.clip((coloured + 1) * brightness - 1, -1, 1)


def study_images(images: cifar10_images.Images) -> StudyImages:
    """All of them, in these views."""
    name = f"{IMAGE_SIZE} mirrored and moved by {SHIFTS}, then cropped {CROPS} {STRETCH} and coloured {COLOURS}"
    return StudyImages(images.images, images.labels, view, name)
