# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Images from a folder with one folder for each class, as Keras reads them."""

import os

import keras
import numpy as np

from ..captured_output import captured_output


def read_image_folder(path: str | os.PathLike, size: tuple[int, int], n_channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads all images of a folder.

    Args:
        path: Holds one folder for each class, in whose alphabetical order the classes are numbered.
        size: Height and width that images are resized to, bilinear.
        n_channels: 1 (grey), 3 (RGB) or 4 (RGBA).

    Returns:
        `(images, labels)`: uint8 [N, height, width, n_channels] and int32 [N].

    Raises:
        ValueError: There is no such folder, it holds fewer than two classes, or `n_channels` is none of these.
    """
    modes = {1: "grayscale", 3: "rgb", 4: "rgba"}
    if n_channels not in modes:
        raise ValueError(
            f"A model of images takes 1, 3 or 4 channels. Received: {n_channels}. Pass arrays in an .npz file instead."
        )
    classes = sorted(entry.name for entry in os.scandir(path) if entry.is_dir()) if os.path.isdir(path) else []
    if len(classes) < 2:
        raise ValueError(
            f"A folder of images must hold one folder for each class, two or more. Received: {os.fspath(path)!r} with "
            f"{classes}. Sort the images into folders."
        )
    with captured_output():
        dataset = keras.utils.image_dataset_from_directory(
            path, image_size=size, color_mode=modes[n_channels], batch_size=64, shuffle=False
        )
    images, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images).round().astype(np.uint8), np.concatenate(labels).astype(np.int32)
