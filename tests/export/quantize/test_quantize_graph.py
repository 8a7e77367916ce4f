# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""An int8 forward pass is what TensorFlow Lite's converter makes of the same network, with a float32 end."""

import int8_reference
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
import tolerances
from keras import layers
from tfdgsu.export.ir import Graph
from tfdgsu.export.ir.verify import verify
from tfdgsu.export.quantize import quantize_forward
from tfdgsu.export.schema import read_graph, write_graph

# ADD works in place where it can, and TFLite's calibrator looks at operands again behind it: it takes the sum's range
# for theirs. For the last ADD of these the sum is what the float32 tail reads, which TFLite keeps apart.
_IN_PLACE = {"depthwise_residual_net": "block_3_project", "residual_conv_net": "block_3_shortcut"}


def _examples(model, n=16):
    return model_zoo.random_batch(model, n, seed=3)[0]


def _bound(name, batch_size=1):
    model = model_zoo.build(name)
    sparse = int8_reference.sparse_model(model, model_zoo.INT8_UPDATE_LAYERS[name])
    graph, names = int8_reference.bound_forward(sparse, batch_size)
    return graph, names, sparse, _examples(model)


@pytest.mark.parametrize("name", model_zoo.INT8_UPDATE_LAYERS)
def test_equals_the_converter_and_runs_alike_everywhere(name):
    graph, names, sparse, examples = _bound(name)
    float_text = str(graph)
    quantized = quantize_forward(graph, names, representative_data=examples)
    verify(quantized, "quantize")
    _compare_with_converter(quantized, int8_reference.convert_int8(sparse.model, examples), _IN_PLACE.get(name))
    if name in _IN_PLACE:
        _compare_with_own_range(quantized, sparse.model, _IN_PLACE[name], examples)
    # The file holds all of it.
    assert str(read_graph(write_graph(quantized))) == str(quantized) != float_text
    # TFLM computes the same integers as TFLite's reference kernels.
    x = int8_reference.to_int8(examples, quantized)
    body = write_graph(_body(quantized))
    np.testing.assert_array_equal(int8_reference.run_tflm(body, x), int8_reference.run_tflite(body, x))
    # The whole network is close to the float32 one.
    output = int8_reference.run_tflm(write_graph(quantized), x)
    expected = sparse.model.predict(examples, verbose=0)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, expected, rtol=0, atol=tolerances.INT8_PROBABILITY_ATOL)
    assert np.abs(output - expected).max() > 0


def _body(graph):
    """The int8 part, with what the float32 part reads as output."""
    place = next(i for i, op in enumerate(graph.ops) if op.kind == "DEQUANTIZE")
    return Graph(graph.ops[:place], graph.inputs[:1], [graph.ops[place].inputs[0]])


def _compare_with_converter(quantized, converted, differing):
    place = next(i for i, op in enumerate(quantized.ops) if op.kind == "DEQUANTIZE")
    ours, theirs = quantized.ops[:place], converted.ops[:place]
    assert [op.kind for op in ours] == [op.kind for op in theirs]
    n_weights = 0
    for mine, other in zip(ours, theirs, strict=True):
        for a, b in zip([*mine.inputs, *mine.outputs], [*other.inputs, *other.outputs], strict=True):
            if a.name == differing:
                continue
            assert a.dtype == b.dtype
            if a.quantization is not None:
                np.testing.assert_array_equal(a.quantization.zero_point, b.quantization.zero_point, a.name)
                if a.dtype == "int8":
                    np.testing.assert_array_equal(a.quantization.scale, b.quantization.scale, a.name)
                    assert a.quantization.axis == b.quantization.axis or len(a.quantization.scale) == 1
            if a.is_constant:
                np.testing.assert_array_equal(a.data, b.data, a.name)
                n_weights += a.dtype == "int8"
    assert n_weights > 0


def _compare_with_own_range(quantized, model, layer_name, examples):
    values = keras.Model(model.inputs, model.get_layer(layer_name).output).predict(examples, verbose=0)
    [mine] = [t for t in quantized.tensors() if t.name == layer_name]
    scale = (max(values.max(), 0) - min(values.min(), 0)) / 255
    np.testing.assert_allclose(mine.quantization.scale, scale, tolerances.FORWARD_RTOL)


def test_ops_and_names_stay():
    graph, names, _, examples = _bound("depthwise_residual_net")
    ops, tensors = list(graph.ops), [(t, t.name) for t in graph.tensors()]
    quantized = quantize_forward(graph, names, representative_data=examples)
    assert quantized is graph
    assert [op for op in quantized.ops if op.kind != "DEQUANTIZE"] == ops
    assert [t.name for t, _ in tensors] == [name for _, name in tensors]
    kernel = next(t for t in graph.tensors() if t.name == "block_2_project/kernel")
    assert (kernel.dtype, kernel.quantization.axis, len(kernel.quantization.scale)) == ("int8", 0, 12)
    bias = next(t for t in graph.tensors() if t.name == "block_3_depthwise/bias")
    assert bias.dtype == "int32"
    # Dense layers that are trained, and the pooling in front, stay float32.
    assert [op.kind for op in graph.ops[-4:]] == ["DEQUANTIZE", "MEAN", "FULLY_CONNECTED", "SOFTMAX"]
    assert graph.outputs[0].name == "output" and graph.outputs[0].dtype == "float32"


def test_any_form_of_representative_data_gives_the_same():
    examples = _examples(model_zoo.build("small_conv_net"), 6)
    labels = np.zeros(6)
    forms = [
        examples,
        list(examples),
        [(x, y) for x, y in zip(examples, labels, strict=True)],
        lambda: ([x[np.newaxis]] for x in examples),
        tf.data.Dataset.from_tensor_slices((examples, labels)),
        tf.data.Dataset.from_tensor_slices(examples).batch(4),
        np.concatenate([examples, examples]).astype(np.float64),
    ]
    model = model_zoo.build("small_conv_net")
    sparse = int8_reference.sparse_model(model, {"conv_3": 5})
    files = set()
    for form in forms:
        graph, names = int8_reference.bound_forward(sparse)
        files.add(write_graph(quantize_forward(graph, names, representative_data=form)))
    assert len(files) == 1


def test_batches_of_three_have_the_scales_of_single_examples():
    single, names, _, examples = _bound("concat_net")
    triple = _bound("concat_net", 3)[0]
    quantize_forward(single, names, representative_data=examples)  # 16 examples: the last batch is filled up.
    quantize_forward(triple, names, representative_data=examples)
    for mine, other in zip(triple.tensors(), single.tensors(), strict=True):
        assert (mine.name, mine.dtype) == (other.name, other.dtype)
        if mine.quantization is not None and not mine.is_constant:
            # Sums in another order move a range by an ulp.
            np.testing.assert_allclose(mine.quantization.scale, other.quantization.scale, tolerances.FORWARD_RTOL)
            assert abs(int(mine.quantization.zero_point[0]) - int(other.quantization.zero_point[0])) <= 1


def _quantize(network, update, examples=None, **arguments):
    model, graph, names = _forward(network, update)
    x = _examples(model) if examples is None else examples
    return quantize_forward(graph, names, **(arguments or {"representative_data": x})), _examples(model), model


def _forward(network, update):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    model = model_zoo.randomise_weights(keras.Model(inputs, network(inputs)))
    return model, *int8_reference.bound_forward(int8_reference.sparse_model(model, update))


def _conv(n, size=3, **settings):
    return layers.Conv2D(n, size, padding="same", **settings)


def _kinds_and_dtypes(graph):
    return [f"{op.kind} {op.outputs[0].dtype}" for op in graph.ops]


def test_network_without_dense_layer_computes_its_logits_in_float32():
    def network(x):
        return layers.Softmax()(layers.GlobalAveragePooling2D()(_conv(3, 1, name="last")(_conv(4)(x))))

    graph, _, _ = _quantize(network, {"last": 4})
    kinds = ["CONV_2D int8", "DEQUANTIZE float32", "CONV_2D float32", "MEAN float32", "SOFTMAX float32"]
    assert _kinds_and_dtypes(graph) == kinds


def test_output_of_an_int8_op_is_dequantized_under_its_name():
    def network(x):
        return layers.Flatten()(layers.MaxPooling2D(6)(_conv(3, 1, name="last")(x)))

    model, graph = _forward(network, {"last": 2})[:2]
    examples = _examples(model)
    graph = quantize_forward(graph, (), representative_data=examples)
    assert _kinds_and_dtypes(graph) == ["CONV_2D int8", "MAX_POOL_2D int8", "DEQUANTIZE float32", "RESHAPE float32"]
    assert graph.outputs[0].name == "output"
    output = int8_reference.run_tflm(write_graph(graph), int8_reference.to_int8(examples, graph))
    step = float(graph.ops[1].outputs[0].quantization.scale[0])
    assert np.abs(output - model.predict(examples, verbose=0)).max() < 4 * step


def test_dense_network_is_float_behind_an_int8_input():
    def network(x):
        x = layers.Dense(5, activation="relu", name="hidden")(layers.Flatten()(x))
        return layers.Dense(3, activation="softmax")(x)

    graph, examples, _ = _quantize(network, {"hidden": 72})
    assert graph.ops[0].kind == "DEQUANTIZE" and graph.inputs[0].dtype == "int8"
    assert not any(op.outputs[0].dtype == "int8" for op in graph.ops)
    low, high = (float(f(examples)) for f in (np.min, np.max))
    np.testing.assert_allclose(graph.inputs[0].quantization.scale, (high - low) / 255, rtol=1e-6)


def test_frozen_dense_layer_in_front_is_int8():
    def network(x):
        x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
        x = _conv(4, 1, name="last")(layers.Reshape((2, 2, 4))(x))
        return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))

    graph, _, _ = _quantize(network, {"last": 2})
    dense = [op for op in graph.ops if op.kind == "FULLY_CONNECTED"]
    assert [op.inputs[1].dtype for op in dense] == ["int8", "float32"]


def test_operand_with_a_fixed_scale_is_rescaled():
    def network(x):
        squashed = layers.Activation("sigmoid")(_conv(4)(x))  # scale 1/256, whatever the data
        x = _conv(4, name="last")(layers.Concatenate()([squashed, _conv(4)(x)]))
        return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))

    graph, examples, model = _quantize(network, {"last": 2})
    verify(graph, "quantize")
    assert "QUANTIZE int8" in _kinds_and_dtypes(graph)
    x, flat = int8_reference.to_int8(examples, graph), write_graph(graph)
    expected = model.predict(examples, verbose=0)
    np.testing.assert_allclose(
        int8_reference.run_tflm(flat, x), expected, rtol=0, atol=tolerances.INT8_PROBABILITY_ATOL
    )


def _classifier(x):
    x = _conv(4, 1, name="last")(x)
    return layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))


def _set(layer_name, change):
    def network(x):
        layer = _conv(3, name=layer_name)
        x = layers.ReLU()(layer(x))
        kernel, bias = layer.get_weights()
        change(kernel, bias)
        layer.set_weights([kernel, bias])
        return _classifier(x)

    return network


def _clear_channel(kernel, bias):
    kernel[..., 1] = 0


def _make_nan(kernel, bias):
    kernel[0, 0, 0, 0] = np.nan


def _make_infinite(kernel, bias):
    kernel[0, 0, 0, 0] = np.inf


@pytest.mark.parametrize(
    "network, received",
    [
        (lambda x: _classifier(layers.Activation("elu")(_conv(4)(x))), "Received: ELU, from 'activation"),
        (lambda x: _classifier(layers.PReLU()(_conv(4)(x))), "Received: PRELU"),
        (_set("dead", _clear_channel), None),  # A frozen filter of zeros is fine.
        (_set("odd", _make_nan), "NaN or infinity in 'odd/"),
        (_set("odd", _make_infinite), "NaN or infinity in 'odd/"),
    ],
)
def test_what_tflm_has_no_int8_kernel_for_is_refused(network, received, monkeypatch):
    monkeypatch.setattr(model_zoo, "randomise_weights", lambda model: model)
    if received is None:
        _quantize(network, {"last": 2})
        return
    with pytest.raises(ValueError, match=received):
        _quantize(network, {"last": 2})


def test_update_layer_with_a_filter_of_zeros_is_refused(monkeypatch):
    monkeypatch.setattr(model_zoo, "randomise_weights", lambda model: model)
    with pytest.raises(ValueError, match=r"'dead/kernel', where output channels \[1\] are all 0"):
        _quantize(_set("dead", _clear_channel), {"dead": 2})


@pytest.mark.parametrize("arguments", [{"scales": None}, {"scales": object(), "representative_data": [0]}])
def test_scales_come_from_one_source(arguments):
    with pytest.raises(ValueError, match="one of the two"):
        quantize_forward(Graph([], [], []), [], **arguments)
