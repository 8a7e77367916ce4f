# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Training with `SparseUpdateModel`: gradients, frozen weights, optimizers, Keras features."""

import dense_reference
import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
import tolerances

import tfdgsu
from tfdgsu.prepare import prepare


def make(name, loss="sparse_categorical_crossentropy", optimizer=None, layers=None, **compile_options):
    model = model_zoo.build(name)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=layers or model_zoo.UPDATE_LAYERS[name]))
    sparse.compile(optimizer or keras.optimizers.SGD(0.05), loss=loss, **compile_options)
    return sparse


@pytest.mark.parametrize("name", model_zoo.ALL_MODELS)
def test_gradients_equal_the_tape(name):
    model = model_zoo.build(name)
    options = {"layers": model_zoo.UPDATE_LAYERS[name]} if name in model_zoo.UPDATE_LAYERS else {"n_layers": 20}
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, **options))
    x, y = model_zoo.random_batch(model, 6)

    def loss_of(y_pred):
        return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, tf.identity(y_pred)))

    ours = dense_reference.sparse_gradients(sparse, x, loss_of)
    dense_kernels, dense_biases = dense_reference.tape_gradients(sparse, x, loss_of)
    assert set(ours.kernels) == set(sparse.slices)
    assert set(ours.biases) == set(sparse.biases)
    rtol, atol = tolerances.GRADIENT_FLOAT32_RTOL, tolerances.GRADIENT_FLOAT32_ATOL
    for layer_name, gradient in ours.kernels.items():
        expected = dense_reference.selected(sparse, layer_name, dense_kernels[layer_name])
        np.testing.assert_allclose(
            gradient, expected, rtol, atol * max(1.0, np.abs(expected).max()), err_msg=layer_name
        )
    for layer_name, gradient in ours.biases.items():
        np.testing.assert_allclose(gradient, dense_biases[layer_name], rtol, 10 * atol, err_msg=layer_name)


def test_a_weight_is_written_after_everything_that_reads_it():
    """TensorFlow lets a write wait for the reads of a variable, not for those who use what was read."""
    sparse = make("depthwise_residual_net")
    x, y = model_zoo.random_batch(sparse.model, 2)
    step = tf.function(lambda x, y: sparse.train_step((x, y))).get_concrete_function(tf.constant(x), tf.constant(y))
    writes = [op for op in step.graph.get_operations() if op.type in ("ResourceScatterNdUpdate", "AssignSubVariableOp")]
    assert len(writes) == len(sparse.channels) + len(sparse.trainable_variables)
    for write in writes:
        before = _ancestors(write)
        reads = [op for op in write.inputs[0].consumers() if op.type == "ReadVariableOp" and op in before]
        for read in reads:
            assert before.issuperset(read.outputs[0].consumers()), write.name


def _ancestors(operation):
    found, waiting = set(), [operation]
    while waiting:
        current = waiting.pop()
        parents = {_source(tensor).op for tensor in current.inputs} | set(current.control_inputs)
        waiting.extend(parents - found)
        found |= parents
    return found


def _source(tensor):
    """Optimizers pass all gradients through one IdentityN. TensorFlow takes it apart, so it orders nothing."""
    while tensor.op.type == "IdentityN":
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("name", ["depthwise_residual_net", "concat_net"])
def test_only_the_plan_moves(name, run_eagerly):
    sparse = make(name, optimizer=keras.optimizers.SGD(0.05, momentum=0.9), run_eagerly=run_eagerly)
    x, y = model_zoo.random_batch(sparse.model, 8)
    before = {variable.path: variable.numpy() for variable in sparse.model.variables}
    sparse.fit(x, y, batch_size=4, epochs=2, verbose=0)
    assert int(sparse.step.numpy()) == 4
    updates = {update.name: update for update in sparse.plan.layers}
    for variable in sparse.model.variables:
        layer_name, weight = variable.path.split("/")
        moved = variable.numpy() != before[variable.path]
        update = updates.get(layer_name)
        if update is None or (weight == "kernel" and update.n_selected == 0):
            assert not moved.any(), variable.path
        elif weight == "kernel" and update.is_sparse:
            channels = sparse.channels[layer_name].numpy()
            rest = np.setdiff1d(np.arange(update.n_channels), channels)
            assert not np.take(moved, rest, axis=-2).any(), variable.path
            assert np.take(moved, channels, axis=-2).mean() > 0.5, variable.path
            np.testing.assert_array_equal(
                np.take(variable.numpy(), channels, axis=-2), sparse.slices[layer_name].numpy()
            )
        else:
            assert moved.mean() > 0.5, variable.path


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_equals_a_numpy_reference_over_redraws(momentum, nesterov):
    """Velocity belongs to the selected channels and starts at zero after each re-draw; the bias keeps its own."""
    learning_rate = 0.05
    sparse = make(
        "depthwise_residual_net", optimizer=keras.optimizers.SGD(learning_rate, momentum=momentum, nesterov=nesterov)
    )
    reference = tfdgsu.SparseUpdateModel(
        sparse.model, sparse.plan
    )  # holds the weights, TensorFlow's tape differentiates
    x, y = model_zoo.random_batch(sparse.model, 12)
    velocity = {}
    for step in range(6):
        if step % 2 == 0:
            draw = {
                name: tfdgsu.policies.RandomPolicy().select(_draw(sparse, name, step // 2)) for name in sparse.channels
            }
            sparse.set_channels(draw)
            reference.set_channels(draw)
            velocity = {key: value for key, value in velocity.items() if key[1] == "bias" or key[0] not in draw}
        batch = slice(2 * step, 2 * step + 2)
        sparse.train_on_batch(x[batch], y[batch])
        _reference_step(reference, x[batch], y[batch], velocity, learning_rate, momentum, nesterov)
    for ours, expected in zip(sparse.model.variables, reference.model.variables, strict=True):
        np.testing.assert_allclose(
            ours.numpy(),
            expected.numpy(),
            tolerances.TRAINED_WEIGHT_RTOL,
            tolerances.TRAINED_WEIGHT_ATOL,
            err_msg=ours.path,
        )
    if momentum:
        for (name, weight), value in velocity.items():
            np.testing.assert_allclose(
                sparse.velocity(name, weight).numpy(),
                value,
                tolerances.TRAINED_WEIGHT_RTOL,
                tolerances.TRAINED_WEIGHT_ATOL,
            )
    else:
        assert sparse.velocity("head", "kernel") is None


def _draw(sparse, name, number):
    item = sparse.update_variables[name]
    update = item.update
    none = np.zeros(0)
    return tfdgsu.policies.Draw(
        name, item.layer_id, number, 5, update.n_channels, update.n_selected, 1, item.kernel.numpy(), none, none
    )


def _reference_step(reference, x, y, velocity, learning_rate, momentum, nesterov):
    def loss_of(y_pred):
        return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, tf.identity(y_pred)))

    kernels, biases = dense_reference.tape_gradients(reference, x, loss_of)
    for update in reference.plan.layers:
        layer = reference.model.get_layer(update.name)
        for weight, dense in (("kernel", kernels[update.name]), ("bias", biases.get(update.name))):
            if dense is None or (weight == "kernel" and update.n_selected == 0):
                continue
            variable = getattr(layer, weight)
            value, gradient = variable.numpy(), np.asarray(dense)
            where = np.s_[:]
            if weight == "kernel" and update.is_sparse:
                where = np.s_[..., reference.channels[update.name].numpy(), :]
            v = momentum * velocity.get((update.name, weight), 0.0) - learning_rate * gradient[where]
            velocity[update.name, weight] = v
            value[where] += momentum * v - learning_rate * gradient[where] if nesterov else v
            variable.assign(value)


def _full_update(sparse_factory_loss, **fit_options):
    """Trains everything through the sparse step and, for comparison, the prepared model through plain Keras."""
    model = model_zoo.small_conv_net(activation=None)
    layers = {"conv_1": 3, "conv_2": 8, "conv_3": 12, "dense": 20}
    plain = prepare(model)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=layers))
    x, y = model_zoo.random_batch(model, 24)
    if isinstance(sparse_factory_loss, keras.losses.CategoricalCrossentropy | keras.losses.BinaryCrossentropy):
        y = keras.utils.to_categorical(y, 5)
    if isinstance(sparse_factory_loss, keras.losses.MeanSquaredError):
        y = keras.utils.to_categorical(y, 5)
    histories = []
    for trained in (plain, sparse):
        trained.compile(keras.optimizers.SGD(0.05), loss=sparse_factory_loss, weighted_metrics=["accuracy"])
        histories.append(trained.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, **fit_options).history)
    for key, values in histories[0].items():
        np.testing.assert_allclose(histories[1][key], values, tolerances.TRAINED_WEIGHT_RTOL, err_msg=key)
    for ours, expected in zip(sparse.model.variables, plain.variables, strict=True):
        np.testing.assert_allclose(
            ours.numpy(),
            expected.numpy(),
            tolerances.TRAINED_WEIGHT_RTOL,
            tolerances.TRAINED_WEIGHT_ATOL,
            err_msg=ours.path,
        )


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        keras.losses.BinaryCrossentropy(from_logits=True),
        keras.losses.MeanSquaredError(),
    ],
    ids=lambda loss: loss.name,
)
def test_full_update_equals_keras(loss):
    _full_update(loss)


def test_class_weights_equal_keras():
    _full_update(
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        class_weight={0: 0.5, 1: 2.0, 2: 1.0, 3: 0.0, 4: 3.0},
    )


def test_sample_weights_and_validation_equal_keras():
    weights = np.random.default_rng(0).uniform(0, 2, 24).astype(np.float32)
    x, y = model_zoo.random_batch(model_zoo.small_conv_net(), 6, seed=9)
    _full_update(
        keras.losses.SparseCategoricalCrossentropy(from_logits=True), sample_weight=weights, validation_data=(x, y)
    )


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adamw", "adagrad", "lion"])
def test_other_optimizers_train(optimizer):
    sparse = make(
        "small_conv_net", optimizer=keras.optimizers.get({"class_name": optimizer, "config": {"learning_rate": 3e-3}})
    )
    x, y = model_zoo.random_batch(sparse.model, 16)
    losses = sparse.fit(
        x, y, batch_size=8, epochs=6, verbose=0, callbacks=[tfdgsu.DynamicSparseCallback("random", every=4)]
    ).history["loss"]
    assert losses[-1] < losses[0]
    assert np.all(np.isfinite(losses))


def test_tf_data_of_changing_batch_size():
    sparse = make("conv_1d_net", metrics=["accuracy"])
    x, y = model_zoo.random_batch(sparse.model, 13)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    history = sparse.fit(dataset, epochs=2, validation_data=dataset, shuffle=False, verbose=0).history
    assert int(sparse.step.numpy()) == 8
    assert set(history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert sparse.predict(dataset, verbose=0).shape == (13, 4)


def test_save_and_load_restores_everything(tmp_path):
    sparse = make("concat_net", optimizer=keras.optimizers.SGD(0.05, momentum=0.9))
    x, y = model_zoo.random_batch(sparse.model, 16)
    callback = tfdgsu.DynamicSparseCallback("random", every=3, seed=5)
    sparse.fit(x, y, batch_size=4, verbose=0, callbacks=[callback])
    sparse.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.plan == sparse.plan
    assert loaded.schedule == sparse.schedule == tfdgsu.sparse_update_model.ChannelSchedule("random", 3, 5, "random")
    assert int(loaded.step.numpy()) == 4
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), sparse.predict(x, verbose=0))
    for name, channels in sparse.channels.items():
        np.testing.assert_array_equal(loaded.channels[name].numpy(), channels.numpy())
    # Both go on alike, velocities and re-draws included.
    for trained in (sparse, loaded):
        callback = tfdgsu.DynamicSparseCallback("random", every=3, seed=5)
        trained.fit(x, y, batch_size=4, verbose=0, shuffle=False, callbacks=[callback])
    for ours, expected in zip(loaded.model.variables, sparse.model.variables, strict=True):
        np.testing.assert_allclose(ours.numpy(), expected.numpy(), tolerances.OPTIMIZER_RTOL, tolerances.OPTIMIZER_ATOL)


def test_weights_file_round_trip_refreshes_slices(tmp_path):
    sparse = make("conv_1d_net")
    kernel = sparse.model.get_layer("conv_2").kernel
    kernel.assign(2.0 * kernel)
    x, y = model_zoo.random_batch(sparse.model, 4)
    expected = kernel.numpy()
    sparse.compile(keras.optimizers.SGD(0.0), loss="sparse_categorical_crossentropy")
    sparse.fit(x, y, verbose=0)
    np.testing.assert_array_equal(kernel.numpy(), expected)


def test_set_channels_clears_only_that_velocity():
    sparse = make("conv_1d_net", optimizer=keras.optimizers.SGD(0.05, momentum=0.9))
    x, y = model_zoo.random_batch(sparse.model, 4)
    sparse.fit(x, y, verbose=0)
    other = sparse.velocity("conv_3", "kernel").numpy()
    sparse.set_channels({"conv_2": np.array([7, 0, 3])})
    assert not sparse.velocity("conv_2", "kernel").numpy().any()
    assert sparse.velocity("conv_2", "bias").numpy().any()
    np.testing.assert_array_equal(sparse.velocity("conv_3", "kernel").numpy(), other)
    kernel = sparse.model.get_layer("conv_2").kernel.numpy()
    np.testing.assert_array_equal(sparse.slices["conv_2"].numpy(), kernel[:, [7, 0, 3]])


@pytest.mark.parametrize(
    "channels",
    [
        {"conv_2": [0, 1]},
        {"conv_2": [0, 1, 1]},
        {"conv_2": [0, 1, 8]},
        {"conv_2": [-1, 0, 1]},
        {"conv_2": [0.0, 1.0, 2.0]},
        {"head": [0]},
    ],
)
def test_wrong_channels_are_refused(channels):
    with pytest.raises(ValueError, match="distinct channel numbers"):
        make("conv_1d_net").set_channels({name: np.array(indices) for name, indices in channels.items()})
    with pytest.raises(ValueError, match="one of the plan's update layers"):
        make("conv_1d_net").set_channels({"conv_1": np.array([0])})


def test_wrong_plan_and_optimizer_are_refused():
    plan = tfdgsu.plan(model_zoo.conv_1d_net())
    with pytest.raises(ValueError, match="A plan must be made for the model"):
        tfdgsu.SparseUpdateModel(model_zoo.small_conv_net(), plan)
    with pytest.raises(TypeError, match="SparseUpdatePlan"):
        tfdgsu.SparseUpdateModel(model_zoo.small_conv_net(), plan.to_json())
    sparse = make("conv_1d_net", optimizer=keras.optimizers.SGD(0.1, use_ema=True))
    with pytest.raises(ValueError, match="use_ema"):
        sparse.fit(*model_zoo.random_batch(sparse.model, 2), verbose=0)
    with pytest.raises(ValueError, match="'kernel' or 'bias'"):
        sparse.velocity("head", "weights")


def test_loss_behind_a_softmax_is_that_of_the_logits():
    """As in plain Keras: clipped probabilities would stop at -log(1e-7) and lose the gradient."""
    sparse = make("conv_1d_net", optimizer=keras.optimizers.SGD(0.0))
    head = sparse.model.get_layer("head")
    head.kernel.assign(0.0 * head.kernel)
    head.bias.assign([100.0, 0.0, 0.0, 0.0])
    x, _ = model_zoo.random_batch(sparse.model, 2)
    loss = sparse.train_on_batch(x, np.array([1, 1]))
    np.testing.assert_allclose(loss, 100.0, tolerances.OPTIMIZER_RTOL)


@pytest.mark.parametrize("shape", [(9, 9, 3), (8, 8, 1)])
def test_examples_of_another_shape_are_refused(shape):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(x))
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"conv": 1}))
    sparse.compile("sgd", loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"shape of the model's input, \[8, 8, 3\]. Received: "):
        sparse.fit(np.zeros((2, *shape), np.float32), np.zeros(2), verbose=0)
