# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""An int8 MobileNetV2 (width 0.35, 128x128, from arrays kept outside the repository) as a stock `.tflite`: builtin ops, nothing fused."""

import json
import pathlib

import numpy as np
from flat_graphs import FlatGraph

FILE_NAME = "mobilenet_v2_w035_imagenet_int8"
_IMAGE_SIZE = 128
_SAME, _VALID, _RELU6 = 0, 1, 3  # schema_fb.Padding, schema_fb.ActivationFunctionType


def make_stock_mobilenet(folder: pathlib.Path) -> bytes:
    """Builds the file from the JSON and the arrays in `folder`."""
    layers = json.loads((folder / f"{FILE_NAME}.json").read_text())["layers"]
    arrays = np.load(folder / f"{FILE_NAME}.npz")
    return _Builder(layers, arrays).build()


class _Builder:
    def __init__(self, layers, arrays):
        self._layers, self._arrays, self._graph = layers, arrays, FlatGraph()
        first = layers[0]
        self._input = self._activation(
            (1, _IMAGE_SIZE, _IMAGE_SIZE, 3), first["input_scale"], first["input_zero_point"]
        )
        self._values = {"input": self._input}

    def build(self) -> bytes:
        for layer in self._layers:
            self._values[layer["name"]] = getattr(self, "_" + layer["op"])(layer)
        return self._graph.build([self._input], [self._values[self._layers[-1]["name"]]])

    def _activation(self, shape, scale, zero_point):
        return self._graph.tensor(shape, "int8", scales=[scale], zero_point=zero_point)

    def _shape(self, i):
        return self._graph.shape(i)

    def _pad(self, x, layer):
        """Symmetric padding at stride 2 exists in TFLite as an op of its own only."""
        n, h, w, c = self._shape(x)
        paddings = self._graph.tensor([4, 2], "int32", [[0, 0], [1, 1], [1, 1], [0, 0]])
        padded = self._activation((n, h + 2, w + 2, c), layer["input_scale"], layer["input_zero_point"])
        self._graph.op("PAD", [x, paddings], [padded])
        return padded

    def _conv2d(self, layer, depthwise=False):
        x, stride = self._values[layer["input"]], layer["stride"]
        n, h, w, _ = self._shape(x)
        if layer is self._layers[-1]:
            return self._classifier(layer, x)
        is_padded = layer["padding"] > 0 and stride > 1
        if is_padded:
            x = self._pad(x, layer)
        name = layer["name"]
        weight = self._arrays[f"{name}/weight"]
        scales = self._arrays[f"{name}/weight_scales"]
        weight = weight.transpose(1, 2, 3, 0) if depthwise else weight.transpose(0, 2, 3, 1)
        filters = self._graph.tensor(weight.shape, "int8", weight, scales=scales, axis=3 if depthwise else 0)
        bias = self._arrays[f"{name}/bias"]
        biases = self._graph.tensor(bias.shape, "int32", bias, scales=scales * layer["input_scale"])
        shape = (n, -(-h // stride), -(-w // stride), len(bias))
        y = self._activation(shape, layer["output_scale"], layer["output_zero_point"])
        fields = {"padding": _VALID if is_padded else _SAME, "strideH": stride, "strideW": stride}
        fields["fusedActivationFunction"] = _RELU6 if layer["activation"] == "relu6" else 0
        if depthwise:
            fields["depthMultiplier"] = 1
        op, options = ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions") if depthwise else ("CONV_2D", "Conv2DOptions")
        self._graph.op(op, [x, filters, biases], [y], (options, fields))
        return y

    def _depthwise_conv2d(self, layer):
        return self._conv2d(layer, depthwise=True)

    def _add(self, layer):
        a, b = (self._values[name] for name in layer["inputs"])
        y = self._activation(self._shape(a), layer["y_scale"], layer["y_zero"])
        self._graph.op("ADD", [a, b], [y], ("AddOptions", {}))
        return y

    def _global_average_pool(self, layer):
        x = self._values[layer["input"]]
        n, h, w, c = self._shape(x)
        following = self._layers[-1]
        y = self._activation((n, 1, 1, c), following["input_scale"], following["input_zero_point"])
        fields = {"padding": _VALID, "strideH": h, "strideW": w, "filterHeight": h, "filterWidth": w}
        self._graph.op("AVERAGE_POOL_2D", [x], [y], ("Pool2DOptions", fields))
        return y

    def _classifier(self, layer, x):
        """As FULLY_CONNECTED, whose filter has one scale."""
        weight = self._arrays[f"{layer['name']}/weight"][:, :, 0, 0]
        scales = self._arrays[f"{layer['name']}/weight_scales"]
        scale = float(scales.max())
        weight = np.round(weight * (scales / scale)[:, None])
        bias = np.round(self._arrays[f"{layer['name']}/bias"] * (scales / scale))
        filters = self._graph.tensor(weight.shape, "int8", weight, scales=[scale])
        biases = self._graph.tensor(bias.shape, "int32", bias, scales=[scale * layer["input_scale"]])
        y = self._activation((1, len(bias)), layer["output_scale"], layer["output_zero_point"])
        self._graph.op("FULLY_CONNECTED", [x, filters, biases], [y], ("FullyConnectedOptions", {}))
        return y
