# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What training starts from: outputs of the frozen front, computed once for every image and view, and kept in files."""

import dataclasses
import functools
import hashlib
import os
import pathlib
from collections.abc import Callable

import keras
import numpy as np

_CHUNK = 256


@dataclasses.dataclass(frozen=True, eq=False)
class StudyImages:
    """Images with their classes, and how a model takes them.

    Attributes:
        images: [N, ...], of any dtype.
        labels: int [N].
        view: `view(images, number)` returns variant `number` of some images as the model takes them, float32 [n, ...].
            Number 0 is what the model is judged by; the others are for training, and the same at every call.
        view_name: Says what `view` does: another name, other files.
        rows: int [M], which of the images are meant; default: all.
    """

    images: np.ndarray
    labels: np.ndarray
    view: Callable[[np.ndarray, int], np.ndarray]
    view_name: str
    rows: np.ndarray | None = None

    def __post_init__(self):
        if len(self.images) != len(self.labels) or len(self.images) == 0:
            raise ValueError(
                "There must be one label for each image, and some images. "
                f"Received: {len(self.images)} images, {len(self.labels)} labels. Check the data."
            )

    def __len__(self) -> int:
        return len(self.labels if self.rows is None else self.rows)

    def take(self, positions: np.ndarray) -> "StudyImages":
        """The images at some positions; those of one array share their features' files."""
        return dataclasses.replace(self, rows=self._rows_at(positions))

    @functools.cached_property
    def array_digest(self) -> str:
        """Hexadecimal digits that differ where the whole array of images, or the views, do."""
        return digest_of(self.view_name.encode(), self.images)

    @property
    def digest(self) -> str:
        """Hexadecimal digits that differ where images, labels or views do."""
        return digest_of(self.array_digest.encode(), self.labels, self._rows_at(np.arange(len(self))))

    def classes(self, positions: np.ndarray) -> np.ndarray:
        """Labels of the images at some positions, int32."""
        return np.asarray(self.labels[self._rows_at(positions)], np.int32)

    def views(self, positions: np.ndarray, number: int) -> np.ndarray:
        """One view of the images at some positions."""
        return self.view(self.images[self._rows_at(positions)], number)

    def _rows_at(self, positions: np.ndarray) -> np.ndarray:
        return positions if self.rows is None else self.rows[positions]


class FeatureCache:
    """Features of a front, one file for each view: computed by `prepare`, read by `batch`.

    Args:
        front: The model to run; see `tfdgsu.split_frozen_front`. `None`: the views themselves are the features, and no
            file is written.
        folder: Where the files go; they are found again by front, images and view.
    """

    def __init__(self, front: keras.Model | None, folder: str | os.PathLike):
        self._front = front
        self._folder = pathlib.Path(folder)
        self._model_digest = digest_of(front.to_json().encode(), *front.get_weights()) if front else ""
        # By the array's digest and by view.
        self._open: dict[tuple[str, int], np.ndarray] = {}

    @property
    def has_front(self) -> bool:
        return self._front is not None

    def prepare(
        self, images: StudyImages, n_views: int, on_chunk: Callable[[int], None] = lambda n_images: None
    ) -> None:
        """Computes what is missing of the first `n_views` views of all images of the array that `images` are of.

        Args:
            images: Whose.
            n_views: How many.
            on_chunk: Called with the number of images, after so many were computed or found.
        """
        if self._front is None:
            return
        for number in range(n_views):
            path = self._path(images, number)
            if path.exists():
                on_chunk(len(images.images))
            else:
                self._write(path, images, number, on_chunk)
            self._open[images.array_digest, number] = np.load(path, mmap_mode="r")

    def batch(self, images: StudyImages, positions: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Returns the features of some images, each in a view of its own.

        Args:
            images: Whose.
            positions: int [n], which images.
            numbers: int [n], which view of each; prepared before.

        Returns:
            float32 [n, ...].
        """
        parts = [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
        found = [self._of_view(images, positions[part], int(numbers[part[0]])) for part in parts]
        batch = np.empty((len(positions), *found[0].shape[1:]), np.float32)
        for part, values in zip(parts, found, strict=True):
            batch[part] = values
        return batch

    def _of_view(self, images: StudyImages, positions: np.ndarray, number: int) -> np.ndarray:
        if self._front is None:
            return images.views(positions, number)
        rows = positions if images.rows is None else images.rows[positions]
        return self._open[images.array_digest, number][rows]

    def _path(self, images: StudyImages, number: int) -> pathlib.Path:
        digest = digest_of(f"{self._model_digest} {images.array_digest} {number}".encode())
        return self._folder / f"features_{digest[:24]}.npy"

    def _write(self, path: pathlib.Path, images: StudyImages, number: int, on_chunk: Callable[[int], None]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        n_images = len(images.images)
        rows = np.lib.format.open_memmap(
            unfinished, mode="w+", dtype=np.float32, shape=(n_images, *self._front.output_shape[1:])
        )
        try:
            for first in range(0, n_images, _CHUNK):
                x = images.view(images.images[first : first + _CHUNK], number)
                rows[first : first + _CHUNK] = self._front.predict_on_batch(x)
                on_chunk(len(x))
            rows.flush()
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


def digest_of(head: bytes, *arrays: np.ndarray) -> str:
    """SHA-256 of some bytes and arrays, in hexadecimal digits."""
    digest = hashlib.sha256(head)
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
