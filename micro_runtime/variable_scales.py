# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the integers of trained weights stand for: the scales, read from the ops that train them."""

import numpy as np

from ..export.ops.custom import REGISTRY, unpack_options
from ..export.ops.custom.trained_scales import find_trained_scales
from .model import CUSTOM, Model


def read_scales(model: Model) -> dict[str, np.ndarray]:
    """By name of an integer weight or bias that an op trains, float32 [O]: real = scale * integer."""
    scales = {}
    for operator in model.operators:
        if operator.builtin_code != CUSTOM:
            continue
        options = unpack_options(operator.custom_code, operator.custom_options)
        for position, beside in find_trained_scales(REGISTRY[operator.custom_code], options):
            if operator.inputs[position] < 0 or operator.inputs[beside] < 0:
                continue
            weight, scale = (model.tensors[operator.inputs[i]] for i in (position, beside))
            if scale.data is not None and weight.dtype != "float32":
                scales[weight.name] = np.frombuffer(scale.data, "<f4")
    return scales
