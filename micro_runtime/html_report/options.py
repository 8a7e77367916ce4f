# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Options of ops in words where they are numbers of an enumeration."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb

from ...export.ir.text import options_as_dict
from ...export.ops.custom.int8_update import NEAREST, REMAINDER, STOCHASTIC
from ...export.ops.custom.select_channels import CYCLIC, RANDOM


def _names(enumeration: type) -> dict[int, str]:
    return {v: k for k, v in vars(enumeration).items() if not k.startswith("_") and isinstance(v, int)}


# By the field's name: the schema's own for builtin ops, ours for custom ops.
_ENUMERATIONS = {
    "padding": _names(schema_fb.Padding),
    "fusedActivationFunction": _names(schema_fb.ActivationFunctionType),
    "weightsFormat": _names(schema_fb.FullyConnectedOptionsWeightsFormat),
    "quantizedBiasType": _names(schema_fb.TensorType),
    "mode": _names(schema_fb.MirrorPadMode),
    "policy": {CYCLIC: "cyclic", RANDOM: "random"},
    "rounding": {NEAREST: "nearest", STOCHASTIC: "stochastic", REMAINDER: "remainder"},
}


def decode_options(options: Any) -> dict[str, str]:
    """Options of a builtin op (the schema's object) or of a custom one (a dict) by name, in snake case, as text."""
    return {_snake_case(name): _decode(name, value) for name, value in options_as_dict(options).items()}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _decode(name: str, value: Any) -> str:
    tolist = getattr(value, "tolist", None)
    plain = tolist() if tolist else value
    if name in _ENUMERATIONS and isinstance(plain, int):
        return _ENUMERATIONS[name].get(plain, str(plain))
    # Options are float32: the shortest digits that give it, 0.9 rather than 0.8999999761581421.
    return str(np.float32(plain)) if isinstance(plain, float) else str(plain)
