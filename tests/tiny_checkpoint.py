# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A small int8 checkpoint with every kind of layer, made up of random integers."""

import json
import pathlib

import numpy as np


def write(folder: pathlib.Path) -> pathlib.Path:
    """Writes the two files; returns their path without the ending."""
    document, arrays = make()
    return save(folder, document, arrays)


def save(folder: pathlib.Path, document, arrays) -> pathlib.Path:
    path = folder / "tiny.int8"
    pathlib.Path(f"{path}.json").write_text(json.dumps(document))
    np.savez(f"{path}.npz", **arrays)
    return path


def make():
    """The JSON's content and the arrays: an inverted residual block behind a padded 3x3 convolution, input 8x8x3."""
    maker = _Maker()
    maker.convolution("stem", "input", 3, 6, 3, 2, 1, "relu6")  # 8x8 at stride 2: SAME would pad one side
    maker.convolution("expand", "stem", 6, 12, 1, 1, 0, "relu")
    maker.convolution("dw", "expand", 12, 12, 3, 1, 1, "relu6")
    maker.convolution("project", "dw", 12, 6, 1, 1, 0, None)
    maker.add("sum", "stem", "project")
    maker.convolution("last", "sum", 6, 5, 1, 1, 0, None)
    maker.layers.append({"name": "gap", "op": "global_average_pool", "input": "last"})
    maker.scales["gap"] = maker.scales["last"]
    maker.convolution("head", "gap", 5, 7, 1, 1, 0, None)
    source = {"shape": [1, 8, 8, 3], "scale": 1 / 127.5, "zero_point": 0}
    return {"input": source, "layers": maker.layers}, maker.arrays


class _Maker:
    def __init__(self):
        self.layers, self.arrays = [], {}
        self.scales = {"input": (1 / 127.5, 0)}
        self._rng = np.random.default_rng(0)

    def convolution(self, name, source, n_in, n_out, kernel, stride, padding, activation):
        depthwise = name == "dw"
        shape = (n_out, 1 if depthwise else n_in, kernel, kernel)
        weight = self._rng.integers(-127, 128, shape).astype(np.int8)
        weight.reshape(n_out, -1)[:, 0] = 127
        # Two channels as real checkpoints have them: nearly dead, with a bias of many bits.
        scales = self._rng.uniform(0.002, 0.006, n_out).astype(np.float32)
        scales[:2] = 1.3e-7
        bias = self._rng.integers(-4000, 4000, n_out).astype(np.int32)
        bias[:2] = 160_704_353, -123_456_789
        self.arrays |= {f"{name}/weight": weight, f"{name}/weight_scales": scales, f"{name}/bias": bias}
        self.scales[name] = (6 / 255, -128) if activation else (float(self._rng.uniform(0.02, 0.04)), 5)
        self.layers.append(
            {
                "name": name,
                "op": "depthwise_conv2d" if depthwise else "conv2d",
                "input": source,
                "kernel": kernel,
                "stride": stride,
                "padding": padding,
                "activation": activation,
                "input_scale": self.scales[source][0],
                "input_zero_point": self.scales[source][1],
                "output_scale": self.scales[name][0],
                "output_zero_point": self.scales[name][1],
                "in_channels": n_in,
                "out_channels": n_out,
            }
        )

    def add(self, name, first, second):
        self.scales[name] = (0.05, -20)
        self.layers.append({"name": name, "op": "add", "inputs": [first, second], "y_scale": 0.05, "y_zero": -20})
