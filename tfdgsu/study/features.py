# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What training starts from: outputs of the frozen front, computed once for every image and view, and kept in files."""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable

import keras
import numpy as np

_CHUNK = 256


@dataclasses.dataclass(frozen=True)
class StudyImages:
    """Images with their classes, and how a model takes them.

    Attributes:
        images: [N, ...], of any dtype.
        labels: int [N].
        view: `view(images, number)` returns variant `number` of some images as the model takes them, float32 [n, ...].
            Number 0 is what the model is judged by; the others are for training, and the same at every call.
        view_name: Says what `view` does: another name, other files.
    """

    images: np.ndarray
    labels: np.ndarray
    view: Callable[[np.ndarray, int], np.ndarray]
    view_name: str

    def __post_init__(self):
        if len(self.images) != len(self.labels) or len(self.images) == 0:
            raise ValueError(
                "There must be one label for each image, and some images. "
                f"Received: {len(self.images)} images, {len(self.labels)} labels. Check the data."
            )

    def __len__(self) -> int:
        return len(self.labels)


class FeatureCache:
    """Features of a front, one file for each view.

    Args:
        front: The model to run; see `tfdgsu.split_frozen_front`. `None`: the views themselves are the features, and no
            file is written.
        folder: Where the files go; they are found again by front, images and view.
    """

    def __init__(self, front: keras.Model | None, folder: str | os.PathLike):
        self._front = front
        self._folder = pathlib.Path(folder)
        self._model_digest = _digest(front.to_json().encode(), *front.get_weights()) if front else ""
        self._open: dict[tuple[int, int], np.ndarray] = {}

    def rows(self, images: StudyImages, rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Returns the features of some images, each in a view of its own.

        Args:
            images: Whose.
            rows: int [n], which images.
            numbers: int [n], which view of each.

        Returns:
            float32 [n, ...].
        """
        parts = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
        found = [self._of_view(images, rows[part], int(numbers[part[0]])) for part in parts]
        batch = np.empty((len(rows), *found[0].shape[1:]), np.float32)
        for part, values in zip(parts, found, strict=True):
            batch[part] = values
        return batch

    def _of_view(self, images: StudyImages, rows: np.ndarray, number: int) -> np.ndarray:
        if self._front is None:
            return images.view(images.images[rows], number)
        key = id(images), number
        if key not in self._open:
            self._open[key] = self.features(images, number)
        return self._open[key][rows]

    def features(self, images: StudyImages, number: int) -> np.ndarray:
        """Returns the features of all images in one view, float32 [N, ...], mapped from their file."""
        digest = _digest(f"{self._model_digest} {images.view_name} {number}".encode(), images.images)
        path = self._folder / f"features_{digest[:24]}.npy"
        if not path.exists():
            self._write(path, images, number)
        return np.load(path, mmap_mode="r")

    def _write(self, path: pathlib.Path, images: StudyImages, number: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        shape = (len(images), *self._front.output_shape[1:])
        rows = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.float32, shape=shape)
        try:
            for first in range(0, len(images), _CHUNK):
                x = images.view(images.images[first : first + _CHUNK], number)
                rows[first : first + _CHUNK] = self._front.predict_on_batch(x)
            rows.flush()
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


def _digest(head: bytes, *arrays: np.ndarray) -> str:
    digest = hashlib.sha256(head)
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
