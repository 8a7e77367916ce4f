# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import keras
import pytest
from tfdgsu.export.from_keras import read_loss, read_sgd
from tfdgsu.export.training_spec import LossSpec, SgdSpec


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


def test_sgd_settings():
    assert read_sgd(keras.optimizers.SGD(0.1)) == SgdSpec(0.0, False)
    assert read_sgd(keras.optimizers.SGD(0.1, momentum=0.5, nesterov=True)) == SgdSpec(0.5, True)


@pytest.mark.parametrize(
    "optimizer, received",
    [
        (keras.optimizers.Adam(), "Adam"),
        (keras.optimizers.SGD(weight_decay=1e-4), "weight_decay"),
        (keras.optimizers.SGD(global_clipnorm=1.0), "global_clipnorm"),
        (keras.optimizers.SGD(clipvalue=1.0), "clipvalue"),
        (keras.optimizers.SGD(use_ema=True), "use_ema"),
        (keras.optimizers.SGD(gradient_accumulation_steps=2), "gradient_accumulation_steps"),
    ],
)
def test_optimizer_without_a_kernel_is_refused(optimizer, received):
    with pytest.raises(ValueError, match=received):
        read_sgd(optimizer)
