# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A session with an int8 bundle: inputs, variables of three dtypes, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from int8_bundle import IMAGE, W_SCALES, X_SCALE, X_ZERO_POINT, Y_SCALE, Y_ZERO_POINT, make_factory, make_int8_bundle
from tfdgsu.micro_runtime import BundleError, Session
from tfdgsu.micro_runtime.examples import quantize
from tfdgsu.micro_runtime.weights_file import write_weights


@pytest.fixture(scope="module")
def int8_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / "int8.tflite"
    path.write_bytes(make_int8_bundle())
    return path


@pytest.fixture
def device(int8_path):
    return Session(int8_path)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).uniform(-1.5, 1.5, (8, *IMAGE)).astype(np.float32)


def exactly_quantized(value: np.float32) -> int:
    """Quantizes by rationals: only the division is rounded, to float32."""
    units = Fraction(float(value)) / Fraction(float(X_SCALE))
    units = np.float32(min(max(units, -1000), 1000))
    return min(max(round(Fraction(float(units))) + X_ZERO_POINT, -128), 127)


def test_inputs_are_quantized_by_the_documented_formula(device):
    assert device.input_quantization == (X_SCALE, X_ZERO_POINT)
    rng = np.random.default_rng(2)
    ties = X_SCALE * (np.arange(-140, 140, dtype=np.float32) + np.float32(0.5))
    ends = np.array([0, 1e-30, -1e-30, 1e30, -1e30, 3.4e38, -3.4e38], np.float32)
    values = np.concatenate([ties, ends, rng.uniform(-2, 2, 2000).astype(np.float32)])
    quantized = quantize(values, device.input_quantization)
    assert quantized.dtype == np.int8
    np.testing.assert_array_equal(quantized, [exactly_quantized(value) for value in values])


def test_int8_inputs_are_taken_as_they_are(device, images):
    integers = quantize(images, device.input_quantization)
    for image, same in zip(images, integers):
        np.testing.assert_array_equal(device.infer(image), device.infer(same))
        np.testing.assert_array_equal(device.infer(image[None]), device.infer(same)[None])
    labels = np.arange(8) % 4
    assert device.evaluate(images, labels) == device.evaluate(integers, labels)


def test_output_is_that_of_the_real_numbers(device, images):
    """The quantized convolution is that of its real weights to within its output's unit, and the head is float32."""
    factory = make_factory()
    kernel = factory["body/kernel"] * W_SCALES[:, None, None, None]
    bias = factory["body/bias"] * (X_SCALE * W_SCALES)
    for image in images:
        real = (quantize(image, device.input_quantization).astype(np.float64) - X_ZERO_POINT) * X_SCALE
        padded = np.pad(real, ((0, 1), (0, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2]
        body = np.clip(np.einsum("yxcij,oijc->yxo", windows, kernel) + bias, 0, 6)
        logits = factory["head/kernel"] @ body.mean(axis=(0, 1)) + factory["head/bias"]
        expected = np.exp(logits) / np.exp(logits).sum()
        output = device.infer(image)
        assert output.dtype == np.float32
        # Half a unit for each rounding: of the convolution, and of its mean, whose unit is half of that.
        bound = np.abs(factory["head/kernel"]).sum(axis=1).max() * 0.75 * float(Y_SCALE)
        assert np.abs(np.log(output) - np.log(expected)).max() <= 2 * bound
    assert Y_ZERO_POINT == -128


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, bool, complex])
def test_other_integers_are_refused(device, dtype):
    with pytest.raises(TypeError, match="x must be float32 or int8. Received: "):
        device.infer(np.zeros(IMAGE, dtype))


def test_a_float_bundle_refuses_int8(bundle_path):
    device = Session(bundle_path)
    assert device.input_quantization is None
    with pytest.raises(TypeError, match="x must be float32. Received: int8"):
        device.infer(np.zeros((6, 6, 3), np.int8))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_inputs_must_be_finite(device, value):
    with pytest.raises(ValueError, match="x must be finite"):
        device.infer(np.full(IMAGE, value))


def test_variables_keep_their_dtypes_through_save_and_restore(device, int8_path, images, tmp_path):
    factory = device.variables()
    for name, value in make_factory().items():
        assert factory[name].dtype == value.dtype
        np.testing.assert_array_equal(factory[name], value)
    losses = [device.train(images[0], 2, 0.1) for _ in range(5)]
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[-1]
    trained = device.variables()
    assert (trained["head/kernel"] != factory["head/kernel"]).any() and trained["step"] == 5
    device.save(tmp_path / "w.tfdw")
    n_bytes = sum(value.nbytes for value in trained.values())
    assert (tmp_path / "w.tfdw").stat().st_size == 36 + 4 * len(trained) + n_bytes
    other = Session(int8_path)
    other.restore(tmp_path / "w.tfdw")
    for name, value in other.variables().items():
        assert value.dtype == trained[name].dtype
        np.testing.assert_array_equal(value, trained[name])
    np.testing.assert_array_equal(other.infer(images[1]), device.infer(images[1]))


def test_restored_weights_reach_the_convolution(device, images, tmp_path):
    values = {**device.variables(), "body/kernel": np.full((5, 3, 3, 3), 127, np.int8)}
    before = device.infer(images[0])
    write_weights(tmp_path / "w.tfdw", device._bundle, values)
    device.restore(tmp_path / "w.tfdw")
    assert (device.infer(images[0]) != before).any()
    np.testing.assert_array_equal(device.variables()["body/kernel"], values["body/kernel"])


@pytest.mark.parametrize(
    ("name", "value", "is_allowed"),
    [
        ("body/kernel", -127, True),
        ("body/kernel", -128, False),
        ("body/kernel/remainder", -128, True),
        ("body/bias", 1 << 30, True),
        ("body/bias", (1 << 30) + 1, False),
        ("body/bias", -(1 << 30) - 1, False),
        ("head/kernel", np.nan, False),
    ],
)
def test_restored_values_must_be_in_range(device, tmp_path, name, value, is_allowed):
    before = device.variables()
    values = {key: array.copy() for key, array in before.items()}
    values[name].flat[1] = value
    write_weights(tmp_path / "w.tfdw", device._bundle, values)
    if is_allowed:
        device.restore(tmp_path / "w.tfdw")
        assert device.variables()[name].flat[1] == value
        return
    with pytest.raises(ValueError, match=f"'?{name}'? must be"):
        device.restore(tmp_path / "w.tfdw")
    for key, array in device.variables().items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize("channels", ["a", ["deep"], 3, None, np.arange(3)])
def test_selected_channels_must_be_a_mapping(device, channels):
    with pytest.raises(TypeError, match="channels must map layer names to channel numbers. Received: "):
        device.select_channels(channels)


def test_missing_bundle_is_told_from_a_broken_one(tmp_path):
    (tmp_path / "cut.tflite").write_bytes(make_int8_bundle()[:-8])
    with pytest.raises(BundleError, match="bytes long"):
        Session(tmp_path / "cut.tflite")
