# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10 for benchmarks: decoded, split, shuffled and resized the same way by all of them.

train, test = load(data_dir)
train, validation = split(train, N_VALIDATION)
order = shuffled(len(train), seed=0)
x = resized(train.images[order[:32]], 128)
"""

import dataclasses
import os
import pathlib

import numpy as np

N_CLASSES = 10
N_TEST = 10_000
# Held out of the training images, for choosing settings.
N_VALIDATION = 5_000
FILE_NAMES = {"train": "cifar10_train_jpeg.npz", "test": "cifar10_test_jpeg.npz"}
_SPLIT_SEED = 10


@dataclasses.dataclass(frozen=True)
class Images:
    """Images with their classes.

    Attributes:
        images: uint8 [N, 32, 32, 3], RGB.
        labels: int32 [N], in [0, N_CLASSES).
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, positions) -> "Images":
        """The images at `positions`, in that order."""
        return Images(self.images[positions], self.labels[positions])


def data_folder(data_dir: str | os.PathLike | None = None) -> pathlib.Path | None:
    """`data_dir`, else the environment's TFDGSU_DATA_DIR, else `None`."""
    folder = data_dir or os.environ.get("TFDGSU_DATA_DIR")
    return pathlib.Path(folder) if folder else None


def load(data_dir: str | os.PathLike | None = None) -> tuple[Images, Images]:
    """Training and test images: JPEG files out of `data_folder(data_dir)`, or what Keras downloads if there are none.

    The order is the files' own, sorted by class or not: shuffle.
    """
    folder = data_folder(data_dir)
    if folder is not None and all((folder / name).exists() for name in FILE_NAMES.values()):
        return _read_jpeg(folder / FILE_NAMES["train"]), _read_jpeg(folder / FILE_NAMES["test"])
    import keras

    loaded = keras.datasets.cifar10.load_data()
    train, test = (Images(images, labels.reshape(-1).astype(np.int32)) for images, labels in loaded)
    return train, test


def synthetic(n: int, seed: int = 0) -> Images:
    """Noise with classes in its colour: something that can be learned where there is no data."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, n).astype(np.int32)
    colours = np.random.default_rng(1).integers(40, 216, (N_CLASSES, 3))
    images = colours[labels][:, np.newaxis, np.newaxis] + rng.integers(-40, 40, (n, 32, 32, 3))
    return Images(images.astype(np.uint8), labels)


def split(images: Images, n_validation: int) -> tuple[Images, Images]:
    """Training images without, and only, `n_validation` that are drawn at random, always the same ones."""
    training, validation = split_rows(len(images), n_validation)
    return images.take(training), images.take(validation)


def split_rows(n: int, n_validation: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of n images `split` takes for training, ascending, and for validation."""
    order = shuffled(n, _SPLIT_SEED)
    return np.sort(order[n_validation:]), order[:n_validation]


def shuffled(n: int, seed: int) -> np.ndarray:
    """The numbers below n in an order that depends on nothing but `seed`; int64 [n]."""
    # By sorting 64 random bits: NumPy promises the bits of a generator for good, but not those of a permutation.
    return np.argsort(np.random.PCG64(seed).random_raw(n), kind="stable")


def resized(images: np.ndarray, size: int, flips: np.ndarray | None = None) -> np.ndarray:
    """Images as a model of the benchmarks takes them.

    Args:
        images: uint8 [N, 32, 32, 3].
        size: Height and width of the result; bilinear.
        flips: bool [N], which images to mirror.

    Returns:
        float32 [N, size, size, 3] in [-1, 1].
    """
    import tensorflow as tf

    if flips is not None:
        images = np.where(flips[:, np.newaxis, np.newaxis, np.newaxis], images[:, :, ::-1], images)
    return tf.image.resize(images, (size, size), "bilinear").numpy() / np.float32(127.5) - np.float32(1)


def _read_jpeg(path: pathlib.Path) -> Images:
    import tensorflow as tf

    with np.load(path) as file:
        data, offsets, labels = file["jpeg"].tobytes(), file["offsets"], file["labels"]
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    images = [tf.io.decode_jpeg(data[start:end], channels=3).numpy() for start, end in ends]
    return Images(np.stack(images), labels.astype(np.int32))
