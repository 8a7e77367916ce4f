# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a Keras model file, with TensorFlow kept quiet."""

from __future__ import annotations

import importlib
import os
import warnings
from typing import TYPE_CHECKING

from ..captured_output import captured_output

if TYPE_CHECKING:
    import keras


def import_keras_quietly() -> None:
    """Imports Keras and lets TensorFlow look for devices; what it says about CUDA is no business of the user."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with captured_output():
        tensorflow = importlib.import_module("tensorflow")
        importlib.import_module("keras")
        tensorflow.zeros(())  # Looks for devices, and says which it did not find.


def load_model(path: str) -> keras.Model:
    """Returns the model in a `.keras` file; a `SparseUpdateModel`, too.

    Raises:
        ValueError: There is no such file, or it isn't a Keras model.
    """
    import_keras_quietly()
    import keras

    from ..sparse_update_model import SparseUpdateModel  # noqa: F401 - registers the class with Keras

    if not os.path.isfile(path):
        raise ValueError(
            f"MODEL must be a file that keras.Model.save wrote. Received: {path!r}, which does not exist. Check the path."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About a model's optimizer state, which no command reads.
            return keras.models.load_model(path)
    except (ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"MODEL must be a file that keras.Model.save wrote. Received: {path!r} ({reason.rstrip('.')}). "
            "Save it again as .keras, with the Keras that this package uses."
        ) from error
