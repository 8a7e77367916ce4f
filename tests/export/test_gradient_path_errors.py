# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What the compiler refuses on the gradient path, with the op named; nothing is written then."""

import keras
import pytest
from tfdgsu.export.gradients import Backward
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.ops.builtin import GRADIENT_RULES

import tfdgsu


class _Options:
    def __init__(self, **fields):
        vars(self).update(fields)


def _differentiate(kind, inputs, output, options=None):
    """Runs the reverse walk over one op whose first input depends on an update layer."""
    deep = Op("UPDATE_LAYER", [], [inputs[0]])
    op = Op(kind, inputs, [output], options)
    train, rate = Tensor("train", (1,), "int32", is_variable=True), Tensor("learning_rate", (1,))
    backward = Backward(Graph([deep, op], [train, rate], [output]), train, rate, {id(deep): None}, {})
    backward.run(output, Tensor("dy", output.shape))


CASES = {
    "unknown op": ("ERF", {}, (1, 4), (1, 4), "Received: ERF .* 'result'"),
    "beta": ("SOFTMAX", {"beta": 2.0}, (1, 4), (1, 4), "beta 2.0"),
    "slope": ("LEAKY_RELU", {"alpha": -0.5}, (1, 4), (1, 4), "negative_slope=-0.5"),
    "broadcast": ("ADD", {"fusedActivationFunction": 0}, (1, 1, 1, 4), (1, 2, 2, 4), r"of shape \[1, 1, 1, 4\]"),
    "two images": ("MINIMUM", {}, (1, 4), (1, 4), "one number as its bound. Received: 'result' of 'deep' and 'other'"),
    "activation": ("ADD", {"fusedActivationFunction": 4}, (1, 4), (1, 4), "activation 4"),
}


@pytest.mark.parametrize("case", CASES)
def test_op_without_a_gradient_is_refused(case):
    kind, fields, in_shape, out_shape, message = CASES[case]
    inputs = [Tensor("deep", in_shape), Tensor("other", out_shape)]
    with pytest.raises(ValueError, match=message):
        _differentiate(kind, inputs, Tensor("result", out_shape), _Options(**fields))


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_dilation_is_refused(kind):
    options = _Options(fusedActivationFunction=0, padding=1, strideH=1, strideW=1, dilationHFactor=2, dilationWFactor=1)
    inputs = [Tensor("deep", (1, 8, 8, 2)), Tensor("w", (2, 3, 3, 2)), Tensor("b", (2,))]
    with pytest.raises(ValueError, match=r"'result' with dilation \(2, 1\)"):
        _differentiate(kind, inputs, Tensor("result", (1, 4, 6, 2)), options)


def test_groups_are_refused():
    options = _Options(fusedActivationFunction=0, padding=1, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1)
    inputs = [Tensor("deep", (1, 8, 8, 4)), Tensor("w", (4, 3, 3, 2)), Tensor("b", (4,))]
    with pytest.raises(ValueError, match="with 4 input channels"):
        _differentiate("CONV_2D", inputs, Tensor("result", (1, 6, 6, 4)), options)


def test_dense_that_flattens_is_refused():
    inputs = [Tensor("deep", (1, 2, 2, 3)), Tensor("w", (5, 12)), Tensor("b", (5,))]
    with pytest.raises(ValueError, match="Remedy: put a Flatten layer"):
        _differentiate("FULLY_CONNECTED", inputs, Tensor("result", (1, 5)), _Options(fusedActivationFunction=0))


def test_every_rule_is_listed_in_the_remedy():
    inputs = [Tensor("deep", (1, 4))]
    with pytest.raises(ValueError) as error:
        _differentiate("ERF", inputs, Tensor("result", (1, 4)))
    assert all(kind in str(error.value) for kind in GRADIENT_RULES)


def test_a_recurrent_layer_in_front_is_named(tmp_path):
    image = keras.Input((6, 4))
    x = keras.layers.LSTM(3, return_sequences=True, name="memory")(image)
    x = keras.layers.Flatten()(keras.layers.Conv1D(4, 3, name="conv")(x))
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax", name="head")(x))
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"conv": 2}))
    sparse.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"without control flow\. Received: a model with \S*memory\S*while\. Remedy"):
        tfdgsu.export.export_training_bundle(sparse, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())
