# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A device trains, Keras takes over: the same weights, the same predictions, the same steps from there on."""

import keras
import model_zoo
import numpy as np
import pytest
import tolerances
from checkpoint_models import EVERY, POOLS, assert_unchanged, make_pooled, make_sparse, train, weights_of
from tfdgsu.export.weight_layout import to_tflite
from tfdgsu.micro_runtime import Session, WeightsFileError
from tfdgsu.micro_runtime.weights_file import encode_weights

import tfdgsu

N_BEFORE, N_AFTER = 8, 7
FLOAT_CASES = {
    "small_conv_net": ("random", 0.9),
    "depthwise_residual_net": ("cyclic", "lars"),
    "nested_model": ("cyclic", 0.0),
    "conv_1d_net": ("random", 0.5),
    "concat_net": ("static", 0.9),
}
INT8_CASES = {
    "depthwise_residual_net": ("stochastic", 0.9),
    "residual_conv_net": ("remainder", 0.9),
    "keyword_net": ("stochastic", 0.0),
}


@pytest.mark.parametrize(("name", "policy", "momentum"), [(k, *v) for k, v in FLOAT_CASES.items()])
def test_keras_takes_over_from_a_float32_device(tmp_path, name, policy, momentum):
    bundle, path = tmp_path / "model.tflite", tmp_path / "w.tfdw"
    sparse, callback = make_sparse(name, policy, momentum)
    tfdgsu.export.export_training_bundle(sparse, bundle, callback=callback)
    x, y = model_zoo.random_batch(sparse.model, N_BEFORE + N_AFTER, seed=5)
    device = Session(bundle)
    train(device, x[:N_BEFORE], y[:N_BEFORE], 0.01)
    device.save(path)

    # Another process: the same model built anew, in which nothing was drawn yet.
    fresh, again = make_sparse(name, policy, momentum)
    tfdgsu.load_checkpoint(fresh, path, bundle=bundle)
    variables = device.variables()
    for update in fresh.plan.layers:
        layer = fresh.model.get_layer(update.name)
        if update.n_selected:
            actual = to_tflite(update.kind, layer.kernel.numpy())
            np.testing.assert_array_equal(actual, variables[f"{update.name}/kernel"])
        if update.update_bias:
            np.testing.assert_array_equal(layer.bias.numpy(), variables[f"{update.name}/bias"])
        if update.is_sparse and policy != "static":
            np.testing.assert_array_equal(fresh.channels[update.name], variables[f"{update.name}/channels"])
        elif update.is_sparse:
            np.testing.assert_array_equal(fresh.channels[update.name], sparse.channels[update.name])
        if fresh.velocity(update.name, "kernel") is not None:
            velocity = to_tflite(update.kind, fresh.velocity(update.name, "kernel").numpy())
            np.testing.assert_array_equal(velocity, variables[f"{update.name}/kernel/velocity"])
            assert velocity.any()
    states = [[s.mean_square, s.rate] for u in fresh.plan.layers if (s := fresh.layer_rate(u.name))]
    assert len(states) == len(variables.get("layer_rates", ()))
    np.testing.assert_array_equal(np.reshape(states, (-1, 2)), variables.get("layer_rates", np.zeros((0, 2))))
    predicted = fresh.predict(x, verbose=0)
    for image, row in zip(x, predicted):
        close = {"rtol": tolerances.FORWARD_RTOL, "atol": tolerances.FORWARD_ATOL}
        np.testing.assert_allclose(device.infer(image).reshape(-1), row, **close)

    # Both go on, over at least one re-draw.
    on_device = train(device, x[N_BEFORE:], y[N_BEFORE:], 0.01)
    in_keras = [
        fresh.fit(x[i : i + 1], y[i : i + 1], batch_size=1, verbose=0, callbacks=[again]).history["loss"][0]
        for i in range(N_BEFORE, N_BEFORE + N_AFTER)
    ]
    close = {"rtol": tolerances.TRAJECTORY_RTOL, "atol": tolerances.TRAJECTORY_ATOL}
    np.testing.assert_allclose(on_device, in_keras, **close)
    for update in fresh.plan.layers:
        if update.is_sparse and policy != "static":
            np.testing.assert_array_equal(fresh.channels[update.name], device.variables()[f"{update.name}/channels"])
        if update.n_selected:
            actual = to_tflite(update.kind, fresh.model.get_layer(update.name).kernel.numpy())
            np.testing.assert_allclose(actual, device.variables()[f"{update.name}/kernel"], **close)


def assert_int8_kernel(actual, exported, variables, name, kind):
    """TFLite's scale of a filter is its largest weight / 127, by output channel; nothing of the bundle is asked for it."""
    axes = tuple(range(actual.ndim - 1)) if kind == "DepthwiseConv2D" else tuple(range(1, actual.ndim))
    scale = np.abs(exported).max(axis=axes, keepdims=True).astype(np.float64) / 127
    units = variables[name].astype(np.float64)
    if f"{name}/remainder" in variables:
        units += variables[f"{name}/remainder"] / 256
    np.testing.assert_allclose(actual, units * scale, rtol=tolerances.INT8_SCALE_RTOL)


def assert_int32_bias(actual, exported, trained, factory):
    """The unit that the result implies must explain the bias that was exported, too."""
    unit = actual[trained != 0].astype(np.float64) / trained[trained != 0]
    assert unit.size and (unit > 0).all() and not actual[trained == 0].any()
    np.testing.assert_array_less(np.abs(factory[trained != 0] * unit - exported[trained != 0]), 0.51 * unit)


@pytest.mark.parametrize(("name", "rounding", "momentum"), [(k, *v) for k, v in INT8_CASES.items()])
def test_keras_takes_over_from_an_int8_device(tmp_path, name, rounding, momentum):
    bundle, path = tmp_path / "model.tflite", tmp_path / "w.tfdw"
    sparse, callback = make_sparse(name, "random", momentum, quantize="int8")
    x, y = model_zoo.random_batch(sparse.model, 32, seed=5)
    how = {"representative_data": x, "rounding": rounding, "callback": callback}
    tfdgsu.export.export_training_bundle(sparse, bundle, **how)
    device = Session(bundle)
    factory = device.variables()
    train(device, x[:N_BEFORE], y[:N_BEFORE], 0.02)
    device.save(path)
    fresh, _ = make_sparse(name, "random", momentum, quantize="int8")
    tfdgsu.load_checkpoint(fresh, path, bundle=bundle)
    variables, n_compared = device.variables(), 0
    for update in fresh.plan.layers:
        kernel, bias = f"{update.name}/kernel", f"{update.name}/bias"
        loaded, exported = (model.model.get_layer(update.name) for model in (fresh, sparse))
        if kernel in variables and variables[kernel].dtype == np.int8:
            pair = (to_tflite(update.kind, layer.kernel.numpy()) for layer in (loaded, exported))
            assert_int8_kernel(*pair, variables, kernel, update.kind)
            n_compared += 1
        if bias in variables and variables[bias].dtype == np.int32:
            pair = (layer.bias.numpy() for layer in (loaded, exported))
            assert_int32_bias(*pair, variables[bias], factory[bias])
            n_compared += 1
        if update.is_sparse:
            np.testing.assert_array_equal(fresh.channels[update.name], variables[f"{update.name}/channels"])
    assert n_compared >= 3
    assert fresh.step.numpy() == N_BEFORE and fresh.schedule.policy == "random"
    for image, row in zip(x, fresh.predict(x, verbose=0)):
        np.testing.assert_allclose(device.infer(image).reshape(-1), row, atol=tolerances.INT8_PROBABILITY_ATOL)
    loss = fresh.evaluate(x, y, verbose=0)
    fresh.fit(x, y, batch_size=1, epochs=3, verbose=0, callbacks=[tfdgsu.DynamicSparseCallback("random", EVERY, 3)])
    assert fresh.evaluate(x, y, verbose=0) < loss and fresh.step.numpy() == N_BEFORE + 96


def test_channels_of_a_pool_return_to_their_places(tmp_path):
    bundle, path = tmp_path / "model.tflite", tmp_path / "w.tfdw"
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (16, 8, 8, 3)).astype(np.float32), rng.integers(0, 4, 16).astype(np.int32)
    sparse, fresh = make_pooled(), make_pooled()
    callback = tfdgsu.DynamicSparseCallback("random", every=2)
    how = {"representative_data": x, "rounding": "remainder", "callback": callback}
    report = tfdgsu.export.export_training_bundle(sparse, bundle, **how)
    assert "TfdgsuConvBlockGrad" in report.graph_text
    device = Session(bundle)
    train(device, x, y, 0.5)
    device.save(path)
    tfdgsu.load_checkpoint(fresh, path, bundle=bundle)
    variables = device.variables()
    for name in POOLS:
        before, after = (model.model.get_layer(name).kernel.numpy() for model in (sparse, fresh))
        pool = sparse.pools[name]
        rest = np.setdiff1d(np.arange(before.shape[-2]), pool)
        np.testing.assert_array_equal(after[..., rest, :], before[..., rest, :])
        assert (after[..., pool, :] != before[..., pool, :]).any()
        scale = np.abs(before).max(axis=(0, 1, 2)).astype(np.float64) / 127
        units = variables[f"{name}/kernel"] + variables[f"{name}/kernel/remainder"] / 256
        expected = units.transpose(1, 2, 3, 0) * scale
        np.testing.assert_allclose(after[..., pool, :], expected, rtol=tolerances.INT8_SCALE_RTOL)
        np.testing.assert_array_equal(fresh.pool_channels(name), variables[f"{name}/channels"])
    kernels = (to_tflite("DepthwiseConv2D", m.model.get_layer("depthwise").kernel.numpy()) for m in (fresh, sparse))
    assert_int8_kernel(*kernels, variables, "depthwise/kernel", "DepthwiseConv2D")

    pool = sparse.pools["expand"]
    rest = np.setdiff1d(np.arange(8), pool)
    other = make_pooled({"expand": np.sort(np.append(pool[1:], rest[0]))})
    untouched = weights_of(other)
    with pytest.raises(ValueError, match="another pool for 'expand'"):
        tfdgsu.load_checkpoint(other, path, bundle=bundle)
    assert_unchanged(other, untouched)


def test_what_does_not_belong_is_refused_and_changes_nothing(tmp_path):
    bundle, path = tmp_path / "model.tflite", tmp_path / "w.tfdw"
    sparse, callback = make_sparse("small_conv_net", "random", 0.9)
    tfdgsu.export.export_training_bundle(sparse, bundle, callback=callback)
    device = Session(bundle)
    device.train(*(part[0] for part in model_zoo.random_batch(sparse.model, 1)), 0.01)
    device.save(path)

    def refuse(model, file, where, error, text):
        before = weights_of(model)
        with pytest.raises(error, match=text):
            tfdgsu.load_checkpoint(model, file, bundle=where)
        assert_unchanged(model, before)

    refuse(sparse, tmp_path / "absent", bundle, FileNotFoundError, "absent")
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    refuse(sparse, tmp_path / "damaged", bundle, WeightsFileError, "It is damaged")
    tfdgsu.export.export_training_bundle(sparse, tmp_path / "other.tflite", preprocessing={"other": 1})
    refuse(sparse, path, tmp_path / "other.tflite", WeightsFileError, "of another")
    model = model_zoo.small_conv_net()
    plan = tfdgsu.plan(model, layers=model_zoo.UPDATE_LAYERS["small_conv_net"] | {"conv_2": 4})
    refuse(tfdgsu.SparseUpdateModel(model, plan), path, bundle, ValueError, "first: conv_2")
    keras.utils.set_random_seed(99)
    stranger = keras.models.clone_model(model_zoo.small_conv_net())
    refuse(tfdgsu.SparseUpdateModel(stranger, sparse.plan), path, bundle, ValueError, "frozen kernels")
    values = device.variables()
    values["conv_2/kernel"][0, 0, 0, 0] = np.nan
    (tmp_path / "nan").write_bytes(encode_weights(device._bundle, values))
    refuse(sparse, tmp_path / "nan", bundle, ValueError, "must be finite")
    with pytest.raises(TypeError, match="SparseUpdateModel"):
        tfdgsu.load_checkpoint(sparse.model, path, bundle=bundle)


def test_model_that_is_not_compiled_takes_the_weights(tmp_path):
    bundle, path = tmp_path / "model.tflite", tmp_path / "w.tfdw"
    sparse, callback = make_sparse("small_conv_net", "random", 0.9)
    tfdgsu.export.export_training_bundle(sparse, bundle, callback=callback)
    Session(bundle).save(path)
    model = tfdgsu.SparseUpdateModel(model_zoo.small_conv_net(), sparse.plan)
    tfdgsu.load_checkpoint(model, path, bundle=bundle)
    np.testing.assert_array_equal(model.channels["conv_2"], sparse.channels["conv_2"])
