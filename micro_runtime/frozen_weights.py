# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a Keras model has the frozen weights of a bundle."""

import numpy as np

from ..export.weight_layout import to_tflite
from .model import Model, Tensor

_KINDS = ("Conv2D", "Conv1D", "DepthwiseConv2D", "Dense")
# A quantized weight is off by half a unit; more for the float32 arithmetic of whoever rounded it.
_LARGEST_ERROR_IN_UNITS = 0.51


def check_frozen_weights(sparse_model, tensors: Model) -> None:
    """Looks for every kernel that the plan does not update among the bundle's constants.

    The converter may fold a scaling into a layer or merge two, so that some are not found; of another model's none are.

    Raises:
        ValueError: Most are missing.
    """
    updated = {update.name for update in sparse_model.plan.layers if update.n_selected}
    layers = [layer for layer in sparse_model.model.layers if type(layer).__name__ in _KINDS]
    kernels = {
        layer.name: (type(layer).__name__, layer.kernel.numpy()) for layer in layers if layer.name not in updated
    }
    constants = [t for t in tensors.tensors if t.data is not None and t.dtype in ("float32", "int8") and t.shape]
    missing = [
        name for name, (kind, kernel) in kernels.items() if not _is_among(constants, to_tflite(kind, kernel), kind)
    ]
    if 2 * len(missing) > len(kernels):
        raise ValueError(
            "A checkpoint goes into a model with the frozen weights of its bundle. "
            f"Received: {len(missing)} of {len(kernels)} frozen kernels that the bundle doesn't hold, first '{missing[0]}'. "
            "Remedy: load it into the model that was exported."
        )


def _is_among(constants: list[Tensor], kernel: np.ndarray, kind: str) -> bool:
    axis = kernel.ndim - 1 if kind == "DepthwiseConv2D" else 0
    return any(tensor.shape == kernel.shape and _holds(tensor, kernel, axis) for tensor in constants)


def _holds(tensor: Tensor, kernel: np.ndarray, axis: int) -> bool:
    if tensor.dtype == "float32":
        return np.array_equal(np.frombuffer(tensor.data, "<f4").reshape(tensor.shape), kernel)
    if tensor.quantization is None or len(tensor.quantization.scales) not in (1, kernel.shape[axis]):
        return False
    along = [1] * kernel.ndim
    along[axis] = -1
    scales = np.array(tensor.quantization.scales).reshape(along)
    units = kernel / scales - np.frombuffer(tensor.data, np.int8).reshape(tensor.shape)
    return bool((np.abs(units) <= _LARGEST_ERROR_IN_UNITS).all())
