# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint's integers survive the way through Keras and the compiler bit for bit."""

import os
import pathlib

import int8_reference
import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_checkpoint
import tolerances
from stock_mobilenet import FILE_NAME, make_stock_mobilenet
from tfdgsu.export.ir import Graph
from tfdgsu.export.quantize import quantize_forward
from tfdgsu.export.schema import read_graph, write_graph

import tfdgsu

# The network is too large for the repository. By default it is looked for in a folder beside the checkout.
DATA = pathlib.Path(os.environ.get("TFDGSU_DATA_DIR", pathlib.Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def tiny(tmp_path):
    return tiny_checkpoint.write(tmp_path)


def _quantized(model, scales, layers):
    graph, names = int8_reference.bound_forward(int8_reference.sparse_model(model, layers))
    return quantize_forward(graph, names, scales=scales)


def _check_integers(graph, arrays):
    """Every filter and bias is the checkpoint's; returns how many layers there are."""
    n_layers = 0
    for op in graph.ops:
        if op.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            continue
        name = op.inputs[1].name.split("/")[0]
        axes = (1, 2, 3, 0) if op.kind == "DEPTHWISE_CONV_2D" else (0, 2, 3, 1)
        for tensor, expected in zip(op.inputs[1:], [arrays[f"{name}/weight"].transpose(axes), arrays[f"{name}/bias"]]):
            assert tensor.dtype == expected.dtype.name
            np.testing.assert_array_equal(tensor.data, expected, tensor.name)
        np.testing.assert_array_equal(op.inputs[1].quantization.scale, arrays[f"{name}/weight_scales"])
        n_layers += 1
    return n_layers


def _body(graph):
    """Up to what the pooling reads, as an int8 file."""
    place = next(i for i, op in enumerate(graph.ops) if op.kind in ("DEQUANTIZE", "AVERAGE_POOL_2D"))
    return write_graph(Graph(graph.ops[:place], graph.inputs[:1], [graph.ops[place].inputs[0]]))


def test_integers_come_back_bit_for_bit(tiny):
    model, scales = tfdgsu.load_int8_checkpoint(tiny, n_classes=3)
    graph = _quantized(model, scales, {"project": 4, "last": 0})
    arrays = np.load(f"{tiny}.npz")
    assert _check_integers(graph, arrays) == 5
    # float32 can't hold these biases.
    assert int(arrays["stem/bias"][0]) != int(np.float32(arrays["stem/bias"][0]))
    assert graph.inputs[0].quantization.scale[0] == np.float32(1 / 127.5)
    by_name = {t.name: t for t in graph.tensors()}
    for name, (scale, zero_point) in {"sum": (0.05, -20), "stem": (6 / 255, -128), "expand": (6 / 255, -128)}.items():
        quantization = by_name[name].quantization
        assert (quantization.scale[0], quantization.zero_point[0]) == (np.float32(scale), zero_point)
    assert [op.kind for op in graph.ops].count("PAD") == 1


def test_keras_computes_what_the_integers_mean(tiny):
    model, _ = tfdgsu.load_int8_checkpoint(tiny)
    assert model.output_shape == (None, 7)
    document, arrays = tiny_checkpoint.make()
    x = np.random.default_rng(1).uniform(-1, 1, (3, 8, 8, 3))
    np.testing.assert_allclose(
        model.predict(x, verbose=0), _float_reference(document, arrays, x), tolerances.FORWARD_RTOL, 1e-6
    )


def _float_reference(document, arrays, x):
    """The network in float64, with padding, layouts and scales taken from the files."""
    values = {"input": x}
    for layer in document["layers"]:
        name = layer["name"]
        if layer["op"] == "add":
            values[name] = sum(values[source] for source in layer["inputs"])
        elif layer["op"] == "global_average_pool":
            values[name] = values[layer["input"]].mean((1, 2), keepdims=True)
        else:
            scales = arrays[f"{name}/weight_scales"].astype(np.float64)
            weight = arrays[f"{name}/weight"] * scales[:, None, None, None]
            bias = arrays[f"{name}/bias"] * scales * np.float64(np.float32(layer["input_scale"]))
            values[name] = _convolve(values[layer["input"]], weight, layer) + bias
            if layer["activation"]:
                values[name] = np.clip(values[name], 0, 6 if layer["activation"] == "relu6" else None)
    logits = values["head"][:, 0, 0]
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def _convolve(x, weight, layer):
    n, k, s = layer["padding"], layer["kernel"], layer["stride"]
    x = np.pad(x, [(0, 0), (n, n), (n, n), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (1, 2))[:, ::s, ::s]  # [N, H, W, C, k, k]
    if layer["op"] == "depthwise_conv2d":
        return np.einsum("nhwcij,cij->nhwc", windows, weight[:, 0])
    return np.einsum("nhwcij,ocij->nhwo", windows, weight)


def test_int8_agrees_with_keras(tiny):
    model, scales = tfdgsu.load_int8_checkpoint(tiny)
    graph = _quantized(model, scales, {"last": 3})
    x = np.random.default_rng(1).uniform(-1, 1, (8, 8, 8, 3)).astype(np.float32)
    output = int8_reference.run_tflm(write_graph(graph), int8_reference.to_int8(x, graph))
    np.testing.assert_allclose(output, model.predict(x, verbose=0), rtol=0, atol=tolerances.INT8_PROBABILITY_ATOL)


def test_own_last_layer_is_kept_unless_there_are_other_classes(tiny):
    own, own_scales = tfdgsu.load_int8_checkpoint(tiny)
    new, new_scales = tfdgsu.load_int8_checkpoint(tiny, 3)
    assert (own.output_shape, new.output_shape) == ((None, 7), (None, 3))
    assert "head" in own_scales.layers and "head" not in new_scales.layers
    arrays = np.load(f"{tiny}.npz")
    kernel = arrays["head/weight"][:, :, 0, 0].T * arrays["head/weight_scales"]
    np.testing.assert_array_equal(own.get_layer("head").kernel, kernel.astype(np.float32))
    assert isinstance(new.get_layer("head"), keras.layers.Dense)


def test_changed_weights_are_quantized_with_the_same_scales(tiny):
    model, scales = tfdgsu.load_int8_checkpoint(tiny, 3)
    kernel, bias = model.get_layer("project").get_weights()
    units = scales.layers["project"].weight_scales
    kernel[0, 0, 1] = np.clip(kernel[0, 0, 1] / units + 2.3, -127, 127) * units  # 2 of 127 units
    model.get_layer("project").set_weights([kernel, bias + np.float32(0.25)])
    graph = _quantized(model, scales, {"project": 4})
    [op] = [op for op in graph.ops if op.inputs[1:] and op.inputs[1].name == "project/kernel"]
    before = np.load(f"{tiny}.npz")["project/weight"][:, :, 0, 0].astype(np.int64)
    after = op.inputs[1].data[:, 0, 0].astype(np.int64)
    np.testing.assert_array_equal(after[:, 1], np.clip(before[:, 1] + 2, None, 127))
    np.testing.assert_array_equal(np.delete(after, 1, 1), np.delete(before, 1, 1))
    real = op.inputs[2].data[2:] * (np.float64(np.float32(6 / 255)) * units[2:])
    np.testing.assert_allclose(real, (bias + np.float32(0.25))[2:], atol=6 / 255 * 0.006)


def test_weights_trained_out_of_range_are_refused(tiny):
    model, scales = tfdgsu.load_int8_checkpoint(tiny, 3)
    kernel, bias = model.get_layer("project").get_weights()
    model.get_layer("project").set_weights([kernel * 1.1, bias])
    with pytest.raises(ValueError, match="'project/kernel' beyond that, up to 140 units"):
        _quantized(model, scales, {"project": 4})


def test_layer_without_scales_is_refused(tiny):
    model, scales = tfdgsu.load_int8_checkpoint(tiny, 3)
    some = {name: layer for name, layer in scales.layers.items() if name != "expand"}
    with pytest.raises(ValueError, match="Received: none for CONV_2D 'expand'"):
        _quantized(model, tfdgsu.Int8Scales(scales.input_scale, scales.input_zero_point, some), {"project": 4})


def _without(document, arrays):
    del arrays["dw/bias"]


def _wrong_shape(document, arrays):
    arrays["stem/weight"] = arrays["stem/weight"][:, :2]


def _wrong_dtype(document, arrays):
    arrays["stem/weight"] = arrays["stem/weight"].astype(np.float32)


def _minus_128(document, arrays):
    arrays["dw/weight"][0, 0, 0, 0] = -128


def _zero_scale(document, arrays):
    arrays["dw/weight_scales"][3] = 0


def _change(layer, **fields):
    def change(document, arrays):
        [record] = [record for record in document["layers"] if record["name"] == layer]
        record.update(fields)

    return change


def _drop_head(document, arrays):
    document["layers"].pop()


def _no_layers(document, arrays):
    document["layers"] = []


@pytest.mark.parametrize(
    "change, received",
    [
        (_without, r"'dw/bias' as int32\[12\]. Received: none"),
        (_wrong_shape, r"'stem/weight' as int8\[6, 3, 3, 3\]. Received: int8\[6, 2, 3, 3\]"),
        (_wrong_dtype, r"Received: float32\[6, 3, 3, 3\]"),
        (_minus_128, "Received: -128 in 'dw/weight'"),
        (_zero_scale, "Received: 0.0 in 'dw/weight_scales'"),
        (_change("dw", op="lstm"), "'op' in layer 'dw'. Received: 'lstm'"),
        (_change("dw", activation="gelu"), "'activation' in layer 'dw'. Received: 'gelu'"),
        (_change("dw", input="nobody"), "'input' in layer 'dw'. Received: 'nobody'"),
        (_change("dw", stride=0), "'stride' in layer 'dw'. Received: 0"),
        (_change("dw", output_scale=-0.1), "'output_scale' in layer 'dw'. Received: -0.1"),
        (_change("dw", output_zero_point=300), "'output_zero_point' in layer 'dw'. Received: 300"),
        (_change("dw", input_scale=0.5), r"Received: \(0.5, -128\) at 'dw'"),
        (_change("sum", inputs=["stem"]), r"'inputs' in layer 'sum'. Received: \['stem'\]"),
        (_change("sum", inputs=["stem", "dw"]), "at 'sum'"),
        (_change("dw", name="stem"), "a second 'stem'"),
        (_change("dw", out_channels=7), "Received: 12 to 7 at 'dw'"),
        (_change("last", in_channels=7), r"'last/weight' as int8\[5, 7, 1, 1\]"),
        (_drop_head, "Received: 'gap', global_average_pool"),
        (_no_layers, r"'layers' in the file. Received: \[\]"),
    ],
)
def test_ill_formed_files_are_refused(change, received, tmp_path):
    document, arrays = tiny_checkpoint.make()
    change(document, arrays)
    path = tiny_checkpoint.save(tmp_path, document, arrays)
    with pytest.raises(ValueError, match=received) as error:
        tfdgsu.load_int8_checkpoint(path)
    assert "Remedy: " in str(error.value)


@pytest.mark.parametrize("ending", [".json", ".npz"])
def test_missing_and_broken_files_are_refused(tiny, ending):
    file = pathlib.Path(f"{tiny}{ending}")
    file.write_bytes(b"{")
    with pytest.raises(ValueError, match="Received: .*tiny.int8"):
        tfdgsu.load_int8_checkpoint(tiny)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=f"no file .*tiny.int8{ending}"):
        tfdgsu.load_int8_checkpoint(tiny)


@pytest.mark.parametrize("n_classes", [0, 1, 2.5, "ten", True])
def test_n_classes_is_a_number(tiny, n_classes):
    with pytest.raises(ValueError, match="Received: n_classes="):
        tfdgsu.load_int8_checkpoint(tiny, n_classes)


def _need(file_name):
    if not (DATA / file_name).exists():
        pytest.skip(f"needs {file_name} in {DATA}; set TFDGSU_DATA_DIR")


def _cifar10_images(n):
    """[n, 128, 128, 3] in [-1, 1], one per class in turn."""
    data = np.load(DATA / "cifar10_test_jpeg.npz")
    first, last = data["offsets"][:-1][:: 10_000 // n], data["offsets"][1:][:: 10_000 // n]
    images = [tf.io.decode_jpeg(data["jpeg"][a:b].tobytes()) for a, b in zip(first, last, strict=True)]
    return tf.image.resize(tf.cast(tf.stack(images), tf.float32), (128, 128)).numpy() / 127.5 - 1


@pytest.fixture(scope="module")
def imagenet():
    """The Keras model and its int8 graph."""
    _need(f"{FILE_NAME}.npz")
    model, scales = tfdgsu.load_int8_checkpoint(DATA / FILE_NAME)
    return model, _quantized(model, scales, {"b14_dw": 0, "b15_project": 8, "b16_expand": 4, "b16_project": 12})


def test_imagenet_checkpoint_agrees_with_keras(imagenet):
    _need("cifar10_test_jpeg.npz")
    model, graph = imagenet
    x = _cifar10_images(4)
    for name, largest_error in {"b2_add": 0.25, "b16_project": 0.45}.items():
        [op] = [op for op in graph.ops if op.outputs[0].name == name]
        part = Graph(graph.ops[: graph.index(op) + 1], graph.inputs[:1], op.outputs)
        units = int8_reference.run_tflm(write_graph(part), int8_reference.to_int8(x, graph)).astype(np.float32)
        quantization = op.outputs[0].quantization
        real = (units - quantization.zero_point[0]) * quantization.scale[0]
        expected = keras.Model(model.inputs, model.get_layer(name).output).predict(x, verbose=0)
        # Quantization noise of 8 and 51 layers: 0.18 and 0.34 of the signal on 25 images.
        assert np.sqrt(np.mean((real - expected) ** 2) / np.mean(expected**2)) < largest_error


def test_imagenet_checkpoint_runs_as_its_stock_file(imagenet):
    _, graph = imagenet
    assert _check_integers(graph, np.load(DATA / f"{FILE_NAME}.npz")) == 51
    images = np.random.default_rng(0).integers(-128, 128, (2, 16, 16, 3)).astype(np.int8)
    x = np.repeat(np.repeat(images, 8, 1), 8, 2)
    stock = _body(read_graph(make_stock_mobilenet(DATA)))
    np.testing.assert_array_equal(int8_reference.run_tflm(_body(graph), x), int8_reference.run_tflm(stock, x))


def test_plan_training_and_float_bundle_take_the_model(tiny, tmp_path):
    model, _ = tfdgsu.load_int8_checkpoint(tiny, 3)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, update_fraction=0.1))
    sparse.compile(keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
    x = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 3)).astype(np.float32)
    before = sparse.model.get_layer("head").kernel.numpy()
    sparse.fit(x, np.arange(8) % 3, verbose=0)
    assert np.any(sparse.model.get_layer("head").kernel.numpy() != before)
    tfdgsu.export.export_training_bundle(sparse, tmp_path / "float.tflite")
    device = tfdgsu.micro_runtime.Session(tmp_path / "float.tflite")
    expected = sparse.predict(x[:1], verbose=0)
    np.testing.assert_allclose(device.infer(x[:1]), expected, tolerances.FORWARD_RTOL, tolerances.FORWARD_ATOL)
