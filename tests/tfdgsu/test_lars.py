# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The optimizer against its formulas in float64, and within a sparse model."""

import keras
import model_zoo
import numpy as np
import pytest

import tfdgsu

RATE, TRUST, MOMENTUM = 0.2, 0.01, 0.9


def _expected(w, gradients, root_mean_square):
    velocity, mean_square, rate = np.zeros_like(w), 0.0, 0.0
    for step, g in enumerate(gradients):
        if step == 1:
            mean_square = np.mean((velocity / rate) ** 2)
        elif step > 1:
            mean_square = 0.99 * mean_square + 0.01 * (1 - MOMENTUM**2) * np.mean((velocity / rate) ** 2)
        rate = RATE * TRUST * root_mean_square / np.sqrt(mean_square if step else 1e12)
        velocity = MOMENTUM * velocity - rate * g
        w = w + velocity
    return w


def test_steps_of_kernels_and_of_everything_else():
    rng = np.random.default_rng(0)
    shapes = {"kernel": (3, 3, 4, 5), "dense": (4, 5), "bias": (5,)}
    start = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    variables = {name: keras.Variable(value, name=name) for name, value in start.items()}
    optimizer = tfdgsu.LARS(RATE, TRUST, MOMENTUM)
    gradients = [{name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()} for _ in range(20)]
    for by_name in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(by_name[name]) for name in shapes], list(variables.values()))
    for name in ("dense", "bias"):
        np.testing.assert_allclose(variables[name], start[name] - RATE * sum(g[name] for g in gradients), atol=1e-6)
    w = start["kernel"].astype(np.float64)
    expected = _expected(w, [g["kernel"].astype(np.float64) for g in gradients], np.sqrt(np.mean(w**2)))
    np.testing.assert_allclose(variables["kernel"], expected, atol=1e-6)


def test_the_rate_follows_the_gradients_size():
    rng = np.random.default_rng(5)
    for scale in (1e-12, 1e-4, 1.0, 1e4):
        variable = keras.Variable(rng.normal(size=(1, 1, 8, 16)).astype(np.float32))
        optimizer, before = tfdgsu.LARS(RATE, TRUST, MOMENTUM), variable.numpy()
        for _ in range(200):
            gradient = scale * rng.normal(size=variable.shape).astype(np.float32)
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        last_rate = RATE * TRUST * np.sqrt(np.mean(before**2)) / scale
        np.testing.assert_allclose(optimizer._rates[0], last_rate, rtol=0.1)


def test_a_layer_without_gradient_stays():
    variable = keras.Variable(np.ones((1, 1, 2, 2), np.float32))
    tfdgsu.LARS(RATE).apply([keras.ops.zeros((1, 1, 2, 2))], [variable])
    np.testing.assert_array_equal(variable, 1.0)


@pytest.fixture
def sparse():
    keras.utils.set_random_seed(1)
    model = model_zoo.small_conv_net()
    model = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, update_fraction=0.2))
    model.compile(tfdgsu.LARS(RATE, TRUST, MOMENTUM), loss="sparse_categorical_crossentropy")
    return model


def _fit(sparse, epochs=2, policy="random", every=3):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(24, *sparse.model.input_shape[1:])).astype(np.float32)
    y = rng.integers(0, sparse.model.output_shape[-1], 24)
    callback = tfdgsu.DynamicSparseCallback(policy=policy, every=every, seed=2)
    sparse.fit(x, y, batch_size=4, epochs=epochs, callbacks=[callback], verbose=0, shuffle=False)


def test_a_redraw_clears_velocity_and_nothing_else(sparse):
    before = {name: np.sqrt(np.mean(item.kernel.numpy() ** 2)) for name, item in sparse.update_variables.items()}
    _fit(sparse)
    optimizer = sparse.optimizer
    for name, item in sparse.update_variables.items():
        if item.channels is None:
            continue
        at = optimizer._get_variable_index(item.slice)
        np.testing.assert_allclose(optimizer._root_mean_squares[at], before[name], rtol=1e-6)
        assert np.any(optimizer._velocities[at].numpy())
    sparse.set_channels({name: channels.numpy() for name, channels in sparse.channels.items()})
    for item in sparse.update_variables.values():
        if item.channels is not None:
            at = optimizer._get_variable_index(item.slice)
            assert not np.any(optimizer._velocities[at].numpy()) and optimizer._mean_squares[at].numpy() > 0


def test_kernels_move_if_channels_stay_for_two_steps(sparse):
    before = {name: item.kernel.numpy() for name, item in sparse.update_variables.items() if item.channels is not None}
    _fit(sparse, epochs=10, every=2)
    for name, start in before.items():
        moved = sparse.update_variables[name].kernel.numpy() - start
        assert np.sqrt(np.mean(moved**2) / np.mean(start**2)) > 1e-3


def test_channels_drawn_at_every_step_are_refused(sparse, tmp_path):
    message = r"must stay for at least 2 steps.* Received: every=1\. Raise every, or compile with keras.optimizers.SGD"
    for policy in ("random", "importance"):
        with pytest.raises(ValueError, match=message):
            _fit(sparse, policy=policy, every=1)
    _fit(sparse, policy="static", every=1)
    path = tmp_path / "model.tflite"
    often = tfdgsu.DynamicSparseCallback(every=1)
    with pytest.raises(ValueError, match=message):
        tfdgsu.export.export_training_bundle(sparse, path, callback=often)
    # Trained by SGD, then compiled anew.
    sparse.compile(keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
    _fit(sparse, every=1)
    sparse.compile(tfdgsu.LARS(RATE), loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=message):
        tfdgsu.export.export_training_bundle(sparse, path)
    assert not path.exists()


def test_a_saved_model_goes_on_as_if_it_had_not_been(sparse, tmp_path):
    _fit(sparse)
    sparse.save(tmp_path / "sparse.keras")
    _fit(sparse)
    loaded = keras.models.load_model(tmp_path / "sparse.keras")
    assert loaded.optimizer.get_config()["trust_coefficient"] == TRUST
    _fit(loaded)
    for one, other in zip(sparse.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(one, other)
