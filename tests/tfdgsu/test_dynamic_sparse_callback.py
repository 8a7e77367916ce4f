# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Re-draws during `fit`: when, which channels, what is logged, what is refused."""

import keras
import model_zoo
import numpy as np
import pytest
import tensorflow as tf
import tolerances

import tfdgsu
from tfdgsu.channel_rng import cyclic_channels, random_channels


class ChannelRecorder(keras.callbacks.Callback):
    """Records the channels and the counter that each step trains with."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_train_batch_begin(self, batch, logs=None):
        channels = {name: variable.numpy().tolist() for name, variable in self.model.channels.items()}
        self.steps.append((int(self.model.step.numpy()), channels))


@pytest.fixture
def sparse():
    model = model_zoo.conv_1d_net()
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"conv_2": 3, "conv_3": 5}))
    sparse.compile(keras.optimizers.SGD(0.02, momentum=0.9), loss="sparse_categorical_crossentropy")
    return sparse


def fit(sparse, callback, n_steps, **options):
    x, y = model_zoo.random_batch(sparse.model, 2 * n_steps)
    recorder = ChannelRecorder()
    history = sparse.fit(
        x, y, batch_size=2, shuffle=False, verbose=0, callbacks=[callback, recorder], **options
    ).history
    return recorder.steps, history


@pytest.mark.parametrize("policy", ["random", "cyclic"])
def test_device_sequences(sparse, policy):
    steps, _ = fit(sparse, tfdgsu.DynamicSparseCallback(policy, every=3, seed=9), 8)
    for step, channels in steps:
        for layer_id, (name, n_channels, n_selected) in enumerate([("conv_2", 8, 3), ("conv_3", 12, 5)]):
            if policy == "random":
                expected = random_channels(9, layer_id, step // 3, n_channels, n_selected)
            else:
                expected = cyclic_channels(step // 3, n_channels, n_selected)
            assert channels[name] == expected.tolist()
    assert sparse.schedule.device_kind == policy


def test_sequence_goes_on_over_fits(sparse):
    callback = tfdgsu.DynamicSparseCallback("cyclic", every=2)
    first, _ = fit(sparse, callback, 3)
    second, _ = fit(sparse, callback, 3)
    for step, channels in first + second:
        assert channels["conv_2"] == cyclic_channels(step // 2, 8, 3).tolist()
    assert [step for step, _ in first + second] == list(range(6))


def test_static_never_moves_and_takes_given_channels(sparse):
    steps, history = fit(sparse, tfdgsu.DynamicSparseCallback("static", seed=4), 4, epochs=2)
    assert all(channels == steps[0][1] for _, channels in steps)
    assert steps[0][1]["conv_2"] == random_channels(4, 0, 0, 8, 3).tolist()
    assert history["visited_fraction"][0] == history["visited_fraction"][1] < 1.0
    policy = tfdgsu.policies.StaticPolicy({"conv_3": [11, 1, 2, 3, 4]})
    steps, _ = fit(sparse, tfdgsu.DynamicSparseCallback(policy, seed=1), 1)
    assert steps[0][1]["conv_3"] == [11, 1, 2, 3, 4]
    assert sparse.schedule.device_kind == "static"


def test_static_default_without_a_callback_is_draw_0_of_seed_0(sparse):
    assert sparse.channels["conv_3"].numpy().tolist() == random_channels(0, 1, 0, 12, 5).tolist()
    assert sparse.schedule == tfdgsu.sparse_update_model.ChannelSchedule()


def test_visited_fraction(sparse):
    _, history = fit(sparse, tfdgsu.DynamicSparseCallback("cyclic", every=1), 2, epochs=2)
    kernels = {"conv_2": 3 * 8 * 12, "conv_3": 3 * 12 * 8}
    always = 12 + 8 + 8 * 4 + 4  # biases, and the head's kernel and bias
    after_one = kernels["conv_2"] * 6 / 8 + kernels["conv_3"] * 10 / 12 + always
    np.testing.assert_allclose(history["visited_fraction"], [after_one / (sum(kernels.values()) + always), 1.0])
    assert sparse.update_variables["conv_2"].visited.numpy().all()


def test_visited_fraction_survives_saving(sparse, tmp_path):
    fit(sparse, tfdgsu.DynamicSparseCallback("cyclic", every=1), 2)
    sparse.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    _, history = fit(loaded, tfdgsu.DynamicSparseCallback("cyclic", every=1), 1)
    assert history["visited_fraction"] == [1.0]


@pytest.mark.parametrize(("name", "other"), [("gradient", "fisher"), ("fisher", "gradient")])
def test_policy_that_scores_learns_its_statistic(sparse, name, other):
    def values(policy):
        return sparse.update_variables["conv_3"].statistics[tfdgsu.policies.get(policy).statistics[0]].numpy()

    _, history = fit(sparse, tfdgsu.DynamicSparseCallback(name, every=1, seed=2), 12)
    visited = sparse.update_variables["conv_3"].visited.numpy()
    learned = values(name)
    np.testing.assert_array_equal(learned >= 0, visited == 1)
    np.testing.assert_array_equal(values(other), -1)
    assert history["visited_fraction"][0] > 0.9
    assert sparse.schedule.device_kind == "input"
    fit(sparse, tfdgsu.DynamicSparseCallback("importance", every=1, seed=2), 2)
    np.testing.assert_array_equal(values(name), learned)


def test_fisher_is_the_squared_sum_of_activations_times_gradients(sparse):
    sparse.track_statistics(["fisher"])
    x, y = model_zoo.random_batch(sparse.model, 2)
    both = keras.Model(sparse.model.input, [sparse.model.get_layer("conv_3").input, *sparse.model.outputs])
    with tf.GradientTape() as tape:
        activations, outputs = both(x)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, outputs))
    products = activations * tape.gradient(loss, activations)
    expected = np.square(np.sum(products, axis=(0, 1)))
    assert np.sum(expected > 1e-6) > 3
    sparse.train_on_batch(x, y)
    channels = sparse.channels["conv_3"].numpy()
    np.testing.assert_allclose(
        sparse.update_variables["conv_3"].statistics["fisher"].numpy()[channels],
        expected[channels],
        rtol=2 * tolerances.GRADIENT_FLOAT32_RTOL,  # of a square
        atol=tolerances.GRADIENT_FLOAT32_ATOL,
    )


def test_unknown_statistic_is_refused(sparse):
    with pytest.raises(ValueError, match=r"statistics must be some of .* Received: \['hessian'\]"):
        sparse.track_statistics(["hessian", "fisher"])


def test_gradient_norm_is_that_of_the_slice(sparse):
    sparse.track_statistics(["gradient_norms"])
    sparse.compile(keras.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy")
    x, y = model_zoo.random_batch(sparse.model, 2)
    kernel = sparse.model.get_layer("conv_3").kernel
    before = kernel.numpy()
    sparse.train_on_batch(x, y)
    expected = np.linalg.norm(kernel.numpy() - before, axis=(0, 2))  # learning rate 1: the step is the gradient
    norms = sparse.update_variables["conv_3"].statistics["gradient_norms"].numpy()
    channels = sparse.channels["conv_3"].numpy()
    np.testing.assert_allclose(norms[channels], expected[channels], rtol=1e-4, atol=1e-7)


def test_custom_policy(sparse):
    class LastChannels(tfdgsu.policies.Policy):
        name = "last"

        def select(self, draw):
            return np.arange(draw.n_channels - draw.n_selected, draw.n_channels)

    steps, _ = fit(sparse, tfdgsu.DynamicSparseCallback(LastChannels(), every=1), 2)
    assert steps[-1][1] == {"conv_2": [5, 6, 7], "conv_3": [7, 8, 9, 10, 11]}
    assert (sparse.schedule.policy, sparse.schedule.device_kind) == ("last", "input")


def test_custom_policy_that_repeats_a_channel_is_refused(sparse):
    class Broken(tfdgsu.policies.Policy):
        def select(self, draw):
            return np.zeros(draw.n_selected, np.int32)

    with pytest.raises(ValueError, match="distinct channel numbers"):
        fit(sparse, tfdgsu.DynamicSparseCallback(Broken()), 1)


def test_works_with_other_callbacks(sparse, tmp_path):
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True),
        keras.callbacks.EarlyStopping(monitor="loss", patience=1, restore_best_weights=True),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        tfdgsu.DynamicSparseCallback("random", every=2),
    ]
    x, y = model_zoo.random_batch(sparse.model, 8)
    sparse.fit(x, y, batch_size=2, epochs=3, verbose=0, callbacks=callbacks)
    assert keras.models.load_model(tmp_path / "best.keras").plan == sparse.plan


def test_other_model_is_a_type_error():
    model = model_zoo.conv_1d_net()
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = model_zoo.random_batch(model, 2)
    with pytest.raises(TypeError, match="needs a tfdgsu.SparseUpdateModel"):
        model.fit(x, y, verbose=0, callbacks=[tfdgsu.DynamicSparseCallback()])


def test_two_in_one_fit_are_refused(sparse):
    callbacks = [tfdgsu.DynamicSparseCallback("random"), tfdgsu.DynamicSparseCallback("cyclic")]
    x, y = model_zoo.random_batch(sparse.model, 2)
    with pytest.raises(ValueError, match="with policy 'cyclic', next to this one with policy 'random'"):
        sparse.fit(x, y, callbacks=callbacks, verbose=0)


def test_plan_without_channels_is_refused():
    model = model_zoo.conv_1d_net()
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"conv_3": 0}))
    with pytest.raises(ValueError, match="nothing to re-draw"):
        tfdgsu.DynamicSparseCallback("random").set_model(sparse)


def test_steps_per_execution(sparse):
    options = {"loss": "sparse_categorical_crossentropy", "steps_per_execution": 2}
    sparse.compile(keras.optimizers.SGD(0.02), **options)
    with pytest.raises(ValueError, match="multiple of steps_per_execution"):
        fit(sparse, tfdgsu.DynamicSparseCallback("random", every=3), 4)
    steps, _ = fit(sparse, tfdgsu.DynamicSparseCallback("cyclic", every=4), 8)
    assert [channels["conv_2"] for _, channels in steps] == [
        cyclic_channels(s // 4, 8, 3).tolist() for s in (0, 2, 4, 6)
    ]
    fit(sparse, tfdgsu.DynamicSparseCallback("cyclic", every=4), 3)  # step 11: an execution was cut short
    with pytest.raises(ValueError, match="run over a re-draw"):
        fit(sparse, tfdgsu.DynamicSparseCallback("cyclic", every=4), 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": "best"}, "policy must be one of"),
        ({"every": 0}, "every must be a whole number"),
        ({"seed": -1}, "seed must fit in 32 bits"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tfdgsu.DynamicSparseCallback(**arguments)
