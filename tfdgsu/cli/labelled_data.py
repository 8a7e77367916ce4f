# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Labelled examples from an `.npz` file."""

import zipfile
from typing import NamedTuple

import numpy as np


class LabelledData(NamedTuple):
    """Examples to train and to test with, [N, ...] and their labels.

    Attributes:
        x, y: To train with.
        x_test, y_test: To evaluate with; the same as x and y if the file has none.
        test_name: "held-out" or "training", for messages.
    """

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    test_name: str


def read_labelled_data(path: str) -> LabelledData:
    """Reads x, y and, if both are there, x_test, y_test from an `.npz` file.

    Raises:
        ValueError: The file is no `.npz`, or an array is missing or of another length than its labels.
        OSError: There is no such file.
    """
    try:
        # Opened here, because np.load leaves a file that it can't read open.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"Data must be an .npz file that numpy.savez wrote. Received: {path!r} ({error}). "
            "Write one with numpy.savez(path, x=x, y=y)."
        ) from error
    if "x" not in arrays or "y" not in arrays:
        raise ValueError(
            f"Data must hold the arrays x and y. Received: {path!r} with {sorted(arrays)}. "
            "Write them with numpy.savez(path, x=x, y=y)."
        )
    has_test = "x_test" in arrays and "y_test" in arrays
    x_test, y_test = ("x_test", "y_test") if has_test else ("x", "y")
    for x, y in (("x", "y"), (x_test, y_test)):
        _check_lengths(arrays[x], arrays[y], x, y)
    name = "held-out" if has_test else "training"
    return LabelledData(arrays["x"], arrays["y"], arrays[x_test], arrays[y_test], name)


def _check_lengths(x: np.ndarray, y: np.ndarray, x_name: str, y_name: str) -> None:
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or len(x) == 0:
        raise ValueError(
            f"{x_name} and {y_name} must hold the same number of examples, at least one. "
            f"Received: shapes {list(x.shape)} and {list(y.shape)}. Store one label for each example."
        )
