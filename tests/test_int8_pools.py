# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Int8 bundles of which some channels stay in flash train as those in which every channel is mutable, in less memory."""

import keras
import numpy as np
import pytest
from keras import layers
from numpy_interpreter import NumpyInterpreter
from tfdgsu.export.schema import read_graph

import tfdgsu

IMAGE, N_CLASSES, N_STEPS, EVERY = (12, 12, 3), 4, 50, 5
_RNG = np.random.default_rng(0)
EXAMPLES = _RNG.uniform(-1, 1, (32, *IMAGE)).astype(np.float32)
LABELS = _RNG.integers(0, N_CLASSES, len(EXAMPLES)).astype(np.int32)
# By layer (k, P): a padded 3x3, expansions and projections of blocks that go backwards in one op, a whole pool per step.
POOLS = {"stem": (1, 2), "a_expand": (3, 5), "a_project": (7, 20), "b_expand": (2, 6), "b_project": (5, 5)}
OTHERS = {"a_depthwise": 9, "b_depthwise": 48, "head": 8}


def _block(y, name):
    z = layers.ReLU(6.0)(layers.Conv2D(6 * y.shape[-1], 1, name=f"{name}_expand")(y))
    z = layers.DepthwiseConv2D(3, padding="same", name=f"{name}_depthwise")(z)
    z = layers.Conv2D(y.shape[-1], 1, name=f"{name}_project")(layers.ReLU(6.0)(z))
    return layers.Add()([y, z])


def _net():
    keras.utils.set_random_seed(0)
    x = keras.Input(IMAGE)
    y = layers.Conv2D(8, 3, strides=2, activation="relu", name="stem")(layers.ZeroPadding2D(1)(x))
    y = _block(_block(y, "a"), "b")
    return keras.Model(
        x, layers.Dense(N_CLASSES, activation="softmax", name="head")(layers.GlobalAveragePooling2D()(y))
    )


def _sparse(plan_layers, momentum=0.0, model=None, learning_rate=0.05):
    model = model or _net()
    plan = tfdgsu.plan(model, layers=plan_layers, quantize="int8", momentum=momentum > 0, train_head=False)
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    optimizer = keras.optimizers.SGD(learning_rate, momentum=momentum)
    sparse.compile(optimizer, loss="sparse_categorical_crossentropy")
    return sparse


def _export(sparse, path, rounding, policy="random", **how):
    how["callback"] = tfdgsu.DynamicSparseCallback(policy=policy, every=EVERY, seed=3)
    how |= {"quantize": "int8", "representative_data": EXAMPLES, "rounding": rounding}
    return tfdgsu.export.export_training_bundle(sparse, path, **how)


def _step(device, i, learning_rate=0.05):
    i %= len(EXAMPLES)
    return device.train(EXAMPLES[i : i + 1], LABELS[i : i + 1], learning_rate=learning_rate)


@pytest.mark.parametrize(("rounding", "momentum"), [("remainder", 0.9), ("remainder", 0.0), ("nearest", 0.9)])
def test_pools_train_as_whole_layers_with_the_same_draws(tmp_path, rounding, momentum):
    """Rounding without random numbers, because these count the weights that are mutable."""
    pooled = _sparse(POOLS | OTHERS, momentum)
    whole = _sparse({name: k for name, (k, _) in POOLS.items()} | OTHERS, momentum)
    reports, devices = [], []
    for name, sparse in (("pooled", pooled), ("whole", whole)):
        reports.append(_export(sparse, tmp_path / name, rounding, "importance"))
        devices.append(tfdgsu.micro_runtime.Session(tmp_path / name))
    assert "TfdgsuConvBlockGrad" in reports[0].graph_text
    ours, theirs = devices
    factory, rng = theirs.variables(), np.random.default_rng(1)
    for i in range(N_STEPS):
        if i % EVERY == 0:
            draws = {name: rng.permutation(p)[:k].astype(np.int32) for name, (k, p) in POOLS.items()}
            theirs.select_channels({name: pooled.pools[name][positions] for name, positions in draws.items()})
            ours.select_channels({name: at for name, at in draws.items() if f"{name}/channels" in ours.variables()})
        assert _step(ours, i, 0.1) == _step(theirs, i, 0.1)
    actual, expected = ours.variables(), theirs.variables()
    for name, values in expected.items():
        layer, _, role = name.partition("/")
        if layer in POOLS and role in ("kernel", "kernel/remainder"):
            outside = np.setdiff1d(np.arange(values.shape[3]), pooled.pools[layer])
            np.testing.assert_array_equal(values[..., outside], factory[name][..., outside], err_msg=name)
            values = values[..., pooled.pools[layer]]
            assert actual[name].shape == values.shape
        if layer in POOLS and role in ("channels", "kernel/velocity"):
            continue  # Positions; and a whole pool keeps its own order.
        np.testing.assert_array_equal(actual[name], values, err_msg=name)
    if rounding == "remainder":
        for name in POOLS:
            assert (expected[f"{name}/kernel/remainder"] != 0).any()


@pytest.mark.parametrize(
    ("policy", "rounding", "momentum"),
    [
        ("random", "stochastic", 0.9),
        ("random", "remainder", 0.0),
        ("cyclic", "nearest", 0.9),
        ("static", "remainder", 0.9),
    ],
)
def test_steps_equal_numpy_bit_for_bit_in_the_predicted_arena(tmp_path, policy, rounding, momentum):
    path = tmp_path / "model.tflite"
    report = _export(_sparse(POOLS | OTHERS, momentum), path, rounding, policy)
    device, reference = tfdgsu.micro_runtime.Session(path), NumpyInterpreter(path.read_bytes())
    assert device.arena_report().total_bytes == report.arena.total_bytes
    factory = device.variables()
    scale, zero_point = device.input_quantization
    images = np.clip(np.rint(EXAMPLES / np.float32(scale)) + zero_point, -128, 127).astype(np.int8)
    for i in range(2 * EVERY + 2):
        arguments = (images[i : i + 1], LABELS[i : i + 1])
        assert device.train(*arguments, learning_rate=0.5) == reference.train(*arguments, learning_rate=0.5)
    variables, expected = device.variables(), reference.variables()
    assert variables.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(variables[name], value, err_msg=name)
    for name in POOLS:
        assert (variables[f"{name}/kernel"] != factory[f"{name}/kernel"]).any(), name


@pytest.mark.parametrize("rounding", ["stochastic", "remainder"])
def test_pool_saves_its_bytes(tmp_path, rounding):
    """32 channels of 8 weights; both numbers of bytes are multiples of TFLM's alignment."""
    small, large = (
        _export(_sparse({"a_project": (4, p), "head": 8}), tmp_path / f"{p}", rounding).arena.total_bytes
        for p in (8, 40)
    )
    assert large - small == 32 * 8 * (2 if rounding == "remainder" else 1)
    whole = _export(_sparse({"a_project": 4, "head": 8}), tmp_path / "whole", rounding).arena.total_bytes
    assert small < whole


def test_a_step_moves_the_pool_as_keras_does(tmp_path):
    sparse, batch = _sparse(POOLS | OTHERS, learning_rate=2.0), len(EXAMPLES)
    before = {name: sparse.model.get_layer(name).kernel.numpy() for name in POOLS}
    path, y = tmp_path / "model.tflite", np.ones(batch, np.int32)
    _export(sparse, path, "remainder", "importance", batch_size=batch)
    device = tfdgsu.micro_runtime.Session(path)
    factory = device.variables()
    device.train(EXAMPLES, y, learning_rate=2.0)
    sparse.train_on_batch(EXAMPLES, y)
    moved = device.variables()
    for name, old in before.items():
        key, pool = f"{name}/kernel", sparse.pools[name]
        new = sparse.model.get_layer(name).kernel.numpy()
        expected = np.moveaxis((new - old)[:, :, pool], 3, 0)
        units = moved[key].astype(np.float64) - factory[key] + moved[f"{key}/remainder"] / 256
        scales = np.max(np.abs(old), axis=(0, 1, 2)) / 127
        free = np.abs(moved[key]) < 127  # the others saturate
        error = np.linalg.norm((units * scales[:, None, None, None] - expected)[free]) / np.linalg.norm(expected[free])
        assert error < 0.2, name


def test_channels_of_a_session_are_positions_in_the_pool(tmp_path):
    path = tmp_path / "model.tflite"
    sparse = _sparse(POOLS | OTHERS)
    _export(sparse, path, "stochastic", "importance")
    device = tfdgsu.micro_runtime.Session(path)
    np.testing.assert_array_equal(device.variables()["a_expand/channels"], sparse.pool_channels("a_expand"))
    device.select_channels({"a_expand": [4, 0, 2]})
    with pytest.raises(ValueError, match=r"must be in \[0, 4\]. Received: 5"):
        device.select_channels({"a_expand": [0, 1, 5]})
    with pytest.raises(ValueError, match="must be one whose channels can be selected"):
        device.select_channels({"b_project": np.arange(5)})
    _step(device, 0)
    saved = device.variables()
    device.save(tmp_path / "weights.tfdw")
    _step(device, 1)
    device.restore(tmp_path / "weights.tfdw")
    for name, value in device.variables().items():
        np.testing.assert_array_equal(value, saved[name], err_msg=name)


def test_constant_of_a_pool_is_zero_where_the_weights_are_mutable(tmp_path):
    path = tmp_path / "model.tflite"
    sparse = _sparse(POOLS | OTHERS)
    _export(sparse, path, "stochastic")
    blocks = [op for op in read_graph(path.read_bytes()).ops if op.kind == "TfdgsuConvBlock" and op.inputs[14]]
    assert {op.inputs[14].name for op in blocks} == {f"{name}/kernel" for name in POOLS}
    for op in blocks:
        name, (w, pool) = op.inputs[14].name.partition("/")[0], (op.inputs[2].data, op.inputs[15].data)
        np.testing.assert_array_equal(pool, sparse.pools[name])
        assert not w[..., pool].any() and w.any()


def test_float32_export_of_pools_is_refused(tmp_path):
    sparse = _sparse(POOLS | OTHERS)
    fields = sparse.plan.to_dict() | {"quantize": None, "rounding": None}
    sparse.plan = tfdgsu.SparseUpdatePlan.from_dict(fields)
    with pytest.raises(ValueError, match="Only an int8 bundle can leave .* pools for stem, a_expand.*Remedy: "):
        tfdgsu.export.export_training_bundle(sparse, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


def test_pool_of_a_layer_that_stays_float32_is_refused(tmp_path):
    keras.utils.set_random_seed(0)
    x = keras.Input(IMAGE)
    y = layers.Conv2D(6, 3, activation="relu", name="first")(x)
    y = layers.Softmax()(layers.GlobalAveragePooling2D()(layers.Conv2D(N_CLASSES, 1, name="last")(y)))
    sparse = _sparse({"last": (2, 4)}, model=keras.Model(x, y))
    with pytest.raises(ValueError, match="Received: a pool of 4 of 6 channels for 'last'. Remedy: "):
        _export(sparse, tmp_path / "model.tflite", "stochastic")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_static_policy_leaves_what_is_not_selected_in_flash(tmp_path, momentum):
    """The selected channels move as they do in a kernel that is mutable as a whole."""
    plan_layers = {name: k for name, (k, _) in POOLS.items()} | OTHERS
    static, whole = _sparse(plan_layers, momentum), _sparse(plan_layers, momentum)
    smaller = _export(static, tmp_path / "static", "remainder", "static")
    larger = _export(whole, tmp_path / "whole", "remainder", "importance")
    assert smaller.arena.total_bytes < larger.arena.total_bytes
    ours, theirs = (tfdgsu.micro_runtime.Session(tmp_path / name) for name in ("static", "whole"))
    selected = {name: np.sort(keras.ops.convert_to_numpy(channels)) for name, channels in static.channels.items()}
    theirs.select_channels(selected)
    for i in range(N_STEPS):
        assert _step(ours, i, 0.1) == _step(theirs, i, 0.1)
    actual, expected = ours.variables(), theirs.variables()
    for name in POOLS:
        assert f"{name}/channels" not in actual
        for key in (f"{name}/kernel", f"{name}/kernel/remainder"):
            np.testing.assert_array_equal(actual[key], expected[key][..., selected[name]])
        assert actual[f"{name}/kernel/remainder"].any()
