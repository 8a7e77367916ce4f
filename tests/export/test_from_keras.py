# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import pytest
from tfdgsu.export.from_keras import read_loss, read_optimizer
from tfdgsu.export.training_spec import LarsSpec, LossSpec, SgdSpec

import tfdgsu


@pytest.mark.parametrize(
    "loss, expected",
    [
        ("sparse_categorical_crossentropy", LossSpec("sparse_categorical_crossentropy")),
        ("mse", LossSpec("mean_squared_error")),
        (keras.losses.binary_crossentropy, LossSpec("binary_crossentropy")),
        (keras.losses.CategoricalCrossentropy(from_logits=True), LossSpec("categorical_crossentropy", True)),
        (keras.losses.MeanSquaredError(), LossSpec("mean_squared_error")),
    ],
)
def test_loss_by_any_spelling(loss, expected):
    assert read_loss(loss) == expected


@pytest.mark.parametrize(
    "loss, received",
    [
        ("huber", "huber"),
        (lambda y, p: 0.0, "lambda"),
        (keras.losses.CategoricalCrossentropy(label_smoothing=0.1), "label_smoothing"),
        (keras.losses.SparseCategoricalCrossentropy(ignore_class=3), "ignore_class"),
        (keras.losses.MeanSquaredError(reduction="sum"), "reduction"),
    ],
)
def test_loss_without_a_kernel_is_refused(loss, received):
    with pytest.raises(ValueError, match=received):
        read_loss(loss)


def test_optimizer_settings():
    assert read_optimizer(keras.optimizers.SGD(0.1)) == SgdSpec(0.0, False)
    assert read_optimizer(keras.optimizers.SGD(0.1, momentum=0.5, nesterov=True)) == SgdSpec(0.5, True)
    expected = LarsSpec(momentum=0.5, trust_coefficient=0.25, beta=0.75)
    assert read_optimizer(tfdgsu.LARS(0.1, trust_coefficient=0.25, momentum=0.5, beta=0.75)) == expected


@pytest.mark.parametrize(
    "optimizer, received",
    [
        (keras.optimizers.Adam(), r"or with LARS. Received: Adam. .* keras.optimizers.SGD or tfdgsu.LARS"),
        (keras.optimizers.SGD(weight_decay=1e-4), "weight_decay"),
        (keras.optimizers.SGD(global_clipnorm=1.0), "global_clipnorm"),
        (keras.optimizers.SGD(clipvalue=1.0), "clipvalue"),
        (keras.optimizers.SGD(use_ema=True), "use_ema"),
        (keras.optimizers.SGD(gradient_accumulation_steps=2), "gradient_accumulation_steps"),
        (tfdgsu.LARS(global_clipnorm=1.0), "LARS has a learning rate, trust_coefficient.*global_clipnorm"),
        (tfdgsu.LARS(weight_decay=1e-4), "weight_decay"),
        (tfdgsu.LARS(momentum=1.0), "'momentum': 1.0"),
        (tfdgsu.LARS(beta=-0.5), "'beta': -0.5"),
        (tfdgsu.LARS(trust_coefficient=float("nan")), "'trust_coefficient': nan"),
        (type("Mine", (tfdgsu.LARS,), {})(), "Received: Mine"),
    ],
)
def test_optimizer_without_a_kernel_is_refused(optimizer, received):
    with pytest.raises(ValueError, match=received):
        read_optimizer(optimizer)
