# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What an export's caller may get wrong, found before anything is converted or written."""

from __future__ import annotations

import json
import os
from typing import Any

import keras

from ..dynamic_sparse_callback import DynamicSparseCallback
from ..number_checks import is_whole
from ..number_format import DEFAULT_ROUNDING, ROUNDINGS
from ..sparse_update_model import SparseUpdateModel
from ..sparse_update_plan import SparseUpdatePlan


def check_model(sparse_model) -> None:
    """Raises TypeError unless a training bundle can be made of it."""
    if not isinstance(sparse_model, SparseUpdateModel):
        raise TypeError(
            "A training bundle is exported from a tfdgsu.SparseUpdateModel. "
            f"Received: {type(sparse_model).__name__}. "
            "Remedy: wrap the model as SparseUpdateModel(model, plan), or use export_inference_model."
        )


def check_keras_model(model) -> None:
    """Raises TypeError unless it is a Keras model, ValueError unless it has been built."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            "An inference model is exported from a keras.Model or a tfdgsu.SparseUpdateModel. "
            f"Received: {type(model).__name__}. Remedy: pass the model itself, not its output or path."
        )
    if not model.built:
        raise ValueError(
            f"A model is exported with its input shape. Received: '{model.name}', which was not built. "
            "Remedy: give it a keras.Input, or call it on an example first."
        )


def check_batch_size(batch_size: int) -> None:
    """Raises ValueError unless it is a positive integer."""
    if not is_whole(batch_size) or batch_size < 1:
        raise ValueError(
            f"batch_size is baked into the file, a positive integer. Received: batch_size={batch_size!r}. "
            "Remedy: give the number of examples per step, 1 on most devices."
        )


def check_quantization(quantize, representative_data, scales, rounding=None) -> str | None:
    """How int8 updates are rounded, None for a float32 bundle.

    Raises ValueError unless the arguments say completely, and not twice, how to quantize.
    """
    if quantize not in (None, "int8"):
        raise ValueError(
            f'quantize is "int8", or None for float32. Received: quantize={quantize!r}. Remedy: choose one of them.'
        )
    if rounding is not None and rounding not in ROUNDINGS:
        raise ValueError(
            f"rounding is one of {', '.join(ROUNDINGS)}. Received: rounding={rounding!r}. Remedy: choose one of them."
        )
    given = {"representative_data": representative_data, "scales": scales, "rounding": rounding}
    if quantize is None:
        surplus = [name for name, value in given.items() if value is not None]
        if surplus:
            raise ValueError(
                f"A float32 bundle has no scales and rounds nothing. Received: {', '.join(surplus)} without quantize. "
                'Remedy: make the plan with quantize="int8", or leave them out.'
            )
        return None
    if (representative_data is None) == (scales is None):
        received = "neither" if scales is None else "both"
        raise ValueError(
            "An int8 bundle takes its scales from representative_data= or from a checkpoint's scales=. "
            f"Received: {received}. Remedy: pass one of them."
        )
    return rounding or DEFAULT_ROUNDING


def check_pools(plan: SparseUpdatePlan, quantize: str | None) -> None:
    """Raises ValueError for a float32 bundle of a plan that leaves channels of update layers in flash."""
    pools = [layer.name for layer in plan.layers if layer.has_pool]
    if pools and quantize is None:
        raise ValueError(
            "Only an int8 bundle can leave channels of an update layer in flash. "
            f"Received: a float32 export of a plan with pools for {', '.join(pools)}. "
            'Remedy: pass quantize="int8", or plan these layers without pools.'
        )


def check_callback(callback) -> None:
    """Raises TypeError unless ``callback`` is None or a ``DynamicSparseCallback``: another one re-draws nothing."""
    if callback is not None and not isinstance(callback, DynamicSparseCallback):
        raise TypeError(
            "callback says how the device re-draws channels, so it must be a tfdgsu.DynamicSparseCallback. "
            f"Received: callback={callback!r}. Remedy: pass the one that fit() gets, or leave it out."
        )


def check_preprocessing(preprocessing: Any) -> None:
    """Raises ValueError unless it can be stored as JSON."""
    try:
        json.dumps(preprocessing, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"preprocessing is stored as JSON. Received: preprocessing={preprocessing!r} ({error}). "
            "Remedy: use dicts, lists, strings, finite numbers, booleans and None."
        ) from error


def check_folders(*paths: str | os.PathLike | None) -> None:
    """Raises FileNotFoundError unless each path but None lies in an existing folder.

    All are checked before anything is written, so that a wrong second path leaves no first file.
    """
    for path in paths:
        folder = os.path.dirname(os.fspath(path)) or "." if path is not None else "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(
                f"A file is written into an existing folder. Received: {path}. Remedy: make {folder}."
            )
