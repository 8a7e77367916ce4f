# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The custom ops of a training bundle: definitions, options, NumPy references.

Imports NumPy and the standard library only: builds load it without TensorFlow.

Example:
    >>> data = pack_options("TfdgsuReluMask", {"low": 0.0, "high": 6.0})
    >>> unpack_options("TfdgsuReluMask", data)
    {'low': 0.0, 'high': 6.0}
"""

from .add_gradients import AddGradients
from .advance_step import AdvanceStep
from .apply_mask import ApplyMask
from .average_pool_2d_grad import AveragePool2DGrad
from .base import OPTIONS_VERSION, CustomOp, Field, Operand, TensorSpec, pack, unpack
from .bias_grad import BiasGrad
from .bias_grad_int32 import BiasGradInt32
from .binary_crossentropy import BinaryCrossentropy
from .categorical_crossentropy import CategoricalCrossentropy
from .conv_2d_grad_filter import Conv2DGradFilter
from .conv_2d_grad_filter_int8 import Conv2DGradFilterInt8
from .conv_2d_grad_input import Conv2DGradInput
from .conv_2d_grad_input_int8 import Conv2DGradInputInt8
from .conv_block import ConvBlock
from .conv_block_grad import ConvBlockGrad
from .depthwise_conv_2d_grad_filter import DepthwiseConv2DGradFilter
from .depthwise_conv_2d_grad_filter_int8 import DepthwiseConv2DGradFilterInt8
from .depthwise_conv_2d_grad_input import DepthwiseConv2DGradInput
from .depthwise_conv_2d_grad_input_int8 import DepthwiseConv2DGradInputInt8
from .fully_connected_grad_filter import FullyConnectedGradFilter
from .fully_connected_grad_input import FullyConnectedGradInput
from .gather_channels import GatherChannels
from .layer_rate import LayerRate
from .load_variables import LoadVariables
from .logistic_grad import LogisticGrad
from .losses import LossOp
from .max_pool_2d_argmax import MaxPool2DArgmax
from .max_pool_2d_grad import MaxPool2DGrad
from .mean_grad import MeanGrad
from .mean_squared_error import MeanSquaredError
from .mul_grad import MulGrad
from .reduce_max_grad import ReduceMaxGrad
from .reduce_max_mask import ReduceMaxMask
from .relu_mask import ReluMask
from .select_channels import SelectChannels
from .slice import Slice
from .softmax_grad import SoftmaxGrad
from .sparse_categorical_crossentropy import SparseCategoricalCrossentropy

REGISTRY = {
    op.NAME: op
    for op in (
        LoadVariables,
        SelectChannels,
        GatherChannels,
        ReluMask,
        ApplyMask,
        Conv2DGradInput,
        Conv2DGradFilter,
        BiasGrad,
        DepthwiseConv2DGradInput,
        DepthwiseConv2DGradFilter,
        FullyConnectedGradInput,
        FullyConnectedGradFilter,
        MaxPool2DArgmax,
        MaxPool2DGrad,
        AveragePool2DGrad,
        MeanGrad,
        ReduceMaxMask,
        ReduceMaxGrad,
        Slice,
        SoftmaxGrad,
        LogisticGrad,
        MulGrad,
        AddGradients,
        SparseCategoricalCrossentropy,
        CategoricalCrossentropy,
        BinaryCrossentropy,
        MeanSquaredError,
        AdvanceStep,
        ConvBlock,
        Conv2DGradInputInt8,
        Conv2DGradFilterInt8,
        DepthwiseConv2DGradInputInt8,
        DepthwiseConv2DGradFilterInt8,
        BiasGradInt32,
        ConvBlockGrad,
        LayerRate,
    )
}

LOSSES = {op.KERAS_NAME: op for op in REGISTRY.values() if issubclass(op, LossOp)}


def pack_options(name, options):
    """Packs option values (a dict) of op `name` into the bytes of `custom_options`.

    Raises:
        ValueError: unknown op, missing or surplus option, value out of range.
    """
    return pack(_lookup(name), options)


def unpack_options(name, data):
    """Inverse of `pack_options`. Raises ValueError for a wrong size or version."""
    return unpack(_lookup(name), data)


def _lookup(name):
    if name not in REGISTRY:
        raise ValueError(f"Custom op must be one of {sorted(REGISTRY)}. Received: {name!r}.")
    return REGISTRY[name]


__all__ = [
    "LOSSES",
    "OPTIONS_VERSION",
    "REGISTRY",
    "CustomOp",
    "Field",
    "Operand",
    "TensorSpec",
    "pack_options",
    "unpack_options",
] + [op.__name__ for op in REGISTRY.values()]
