# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Rounding to int8 counts as the identity. QUANTIZE comes from a concatenation of ranges, DEQUANTIZE from the head."""

import keras
from int8_step import assert_int8_step_matches
from keras import layers


def test_gradient_passes_a_change_of_scales(tmp_path):
    keras.utils.set_random_seed(1)
    x = keras.Input((6, 6, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="deep")(x)
    wide = [layers.Conv2D(4, 1, kernel_initializer=keras.initializers.Constant(c))(y) for c in (1.0, 3.0)]
    # All operands of a concatenation have one scale, so `deep` can't suit both.
    both = [layers.Concatenate()([y, z]) for z in wide]
    y = layers.GlobalAveragePooling2D()(layers.Add()(both))
    model = keras.Model(x, layers.Dense(3, activation="softmax", name="head")(y))
    report = assert_int8_step_matches(model, {"deep": 3}, tmp_path / "model.tflite", "remainder")
    assert "= QUANTIZE(" in report.graph_text
    assert "= DEQUANTIZE(" in report.graph_text
