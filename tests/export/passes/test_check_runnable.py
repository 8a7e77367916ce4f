# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import pytest
from tfdgsu.export.convert import convert_forward
from tfdgsu.export.passes.check_runnable import RUNNABLE_OPS
from tfdgsu.export.schema.types import OPERATOR_NUMBERS
from tfdgsu.micro_runtime.operator_rules import OTHER_OPS
from tfdgsu.micro_runtime.shape_rules import RULES


def test_list_is_what_the_runtime_accepts():
    conversions = {OPERATOR_NUMBERS[name] for name in ("QUANTIZE", "DEQUANTIZE")}  # of int8 bundles only
    assert {OPERATOR_NUMBERS[name] for name in RUNNABLE_OPS} == {*RULES, *OTHER_OPS} - conversions


def test_op_that_tflm_lacks_is_refused_by_layer():
    x = keras.Input((4,))
    y = keras.layers.Lambda(lambda t: keras.ops.sign(t), name="signs")(x)
    with pytest.raises(ValueError, match="Received: SIGN, from 'signs'"):
        convert_forward(keras.Model(x, keras.layers.Dense(2)(y)), 1)
