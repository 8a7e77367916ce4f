# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the integers of trained weights stand for: the scales, read from the ops that train them."""

import numpy as np

from ..export.ops.custom import REGISTRY, unpack_options
from .model import CUSTOM, Model


def read_scales(model: Model) -> dict[str, np.ndarray]:
    """By name of an integer weight or bias that an op trains, float32 [O]: real = scale * integer."""
    scales = {}
    for operator in model.operators:
        if operator.builtin_code != CUSTOM:
            continue
        op, options = REGISTRY[operator.custom_code], unpack_options(operator.custom_code, operator.custom_options)
        names = [operand.name for operand in op.operands(options)]
        for position in op.mutates(options):
            beside = _scales_of(names[position])
            weight, at = operator.inputs[position], names.index(beside) if beside in names else -1
            if weight >= 0 and at >= 0 and operator.inputs[at] >= 0:
                scale = model.tensors[operator.inputs[at]]
                if scale.data is not None and model.tensors[weight].dtype != "float32":
                    scales[model.tensors[weight].name] = np.frombuffer(scale.data, "<f4")
    return scales


def _scales_of(operand: str) -> str | None:
    """Name of the operand that holds the scales of a trained operand."""
    if operand in ("w", "b"):
        return "scales"
    if operand == "overlay":  # of the first convolution of a block
        return "conv_scales"
    if operand.endswith("_bias"):
        return f"{operand}_scales"
    return f"{operand.removesuffix('w')}scales" if operand.endswith("_w") else None
