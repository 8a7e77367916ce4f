# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Packing of options and the definitions' independence of TensorFlow."""

import math
import pathlib
import subprocess
import sys

import pytest
from tfdgsu.export.ops.custom import REGISTRY, pack_options, unpack_options

FOLDER = pathlib.Path(__file__).resolve().parents[4] / "export" / "ops"


@pytest.mark.parametrize("name", list(REGISTRY))
def test_options_survive_packing(name):
    values = {"i": -7, "u": 0xFFFFFFFF, "f": 0.25}
    options = {field.name: values[field.kind] for field in REGISTRY[name].OPTIONS}
    data = pack_options(name, options)
    assert len(data) == 4 * (1 + len(options)) and data[:4] == b"\1\0\0\0"
    assert unpack_options(name, data) == options


def test_infinity_is_an_option_value():
    data = pack_options("TfdgsuReluMask", {"low": 0.0, "high": math.inf})
    assert unpack_options("TfdgsuReluMask", data)["high"] == math.inf


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: pack_options("TfdgsuNothing", {}), "must be one of"),
        (lambda: pack_options("TfdgsuReluMask", {"low": 0.0}), "options must be"),
        (
            lambda: pack_options("TfdgsuMeanGrad", {"outer": 2**31, "reduced": 1, "inner": 1, "mask_alpha": 0.0}),
            "out of range",
        ),
        (lambda: unpack_options("TfdgsuReluMask", b"\1\0\0\0"), "12 bytes"),
        (lambda: unpack_options("TfdgsuSoftmaxGrad", b"\2\0\0\0"), "version 1"),
    ],
)
def test_wrong_options_are_refused(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_definitions_load_without_tensorflow():
    code = "import sys, custom; sys.exit('tensorflow' in sys.modules or not custom.REGISTRY)"
    subprocess.run([sys.executable, "-c", code], cwd=FOLDER, check=True)
