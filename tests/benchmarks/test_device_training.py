# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A few steps of the benchmark on a small model and noise: it runs, stores, resumes and compares."""

import importlib
import json
import pathlib

import keras
import numpy as np
import pytest

import tfdgsu

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
SIZE = 16
N_STEPS = 7
N_TEST = 20


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return [importlib.import_module(name) for name in ("device_training", "training_runs", "cifar10_images")]


def make_model():
    # Every layer has its name: those that Keras makes up differ from one call to the next, and so would bundles.
    keras.utils.set_random_seed(3)
    layers = keras.layers
    source = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="front")(source)
    y = layers.Conv2D(12, 1, name="expand")(x)
    y = layers.ReLU(6.0, name="expand_relu6")(y)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(y)
    y = layers.ReLU(6.0, name="depthwise_relu6")(y)
    x = layers.Add(name="add")([x, layers.Conv2D(8, 1, name="project")(y)])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(source, layers.Dense(10, activation="softmax", name="head")(x), name="small")


@pytest.fixture
def make_benchmark(modules, tmp_path):
    device_training, training_runs, cifar10_images = modules
    task = training_runs.Task(cifar10_images.synthetic(N_STEPS, 1), cifar10_images.synthetic(N_TEST, 2))
    x = cifar10_images.resized(cifar10_images.synthetic(50, 3).images, SIZE)

    def make(folder="state", **changes):
        recipe = training_runs.Recipe(n_steps=N_STEPS, learning_rate=0.05, every=2, image_size=SIZE, **changes)
        path = tmp_path / folder
        path.mkdir()
        quantization = {"representative_data": x}
        return device_training.Benchmark(make_model, quantization, task, recipe, path, update_fraction=0.3)

    return make


def test_every_run_ends_up_in_the_results(modules, make_benchmark, tmp_path):
    device_training = modules[0]
    output = tmp_path / "results" / "result.json"
    benchmark = make_benchmark()
    # One after the other, as with --only.
    for name in device_training.RUNS:
        device_training.run_and_store(benchmark, [name], output)
    document = json.loads(output.read_text())
    runs = document["runs"]
    assert list(runs) == list(device_training.RUNS)
    assert runs["exactness"]["is_equal"]
    assert runs["int8_before"]["before"]["accuracy"] == pytest.approx(runs["keras"]["before"]["accuracy"], abs=0.15)
    roundings = {name: runs[name]["rounding"] for name in runs if "rounding" in runs[name]}
    assert roundings == {
        "int8": "stochastic",
        "int8_remainder": "remainder",
        "int8_nearest": "nearest",
        "int8_head": "stochastic",
    }
    assert len({runs[name]["variables_sha256"] for name in roundings}) == len(roundings)
    assert (
        runs["int8_remainder"]["variable_bytes"] > runs["int8"]["variable_bytes"] > runs["int8_head"]["variable_bytes"]
    )
    lead = document["leads"]["int8 over keras"]
    assert lead["accuracy"] == pytest.approx(
        runs["int8"]["after"]["accuracy"] - runs["keras"]["after"]["accuracy"], abs=1e-9
    )
    table = device_training.format_table(document)
    assert "int8_remainder" in table
    assert "equal" in table


def test_results_of_other_settings_are_replaced(modules, make_benchmark, tmp_path):
    device_training = modules[0]
    output = tmp_path / "result.json"
    output.write_text(json.dumps({"settings": {"n_test": 1}, "runs": {"keras": {}}, "leads": {}}))
    document = device_training.run_and_store(make_benchmark(), ["keras_head"], output)
    assert list(document["runs"]) == ["keras_head"]


def test_results_of_the_same_settings_are_added_to(modules, make_benchmark, tmp_path):
    device_training = modules[0]
    output = tmp_path / "result.json"
    document = device_training.run_and_store(make_benchmark(), ["keras_head"], output)
    del document["settings"]["recipe"]["optimizer"], document["settings"]["recipe"]["trust_coefficient"]
    output.write_text(json.dumps(document))  # From before there was a choice.
    document = device_training.run_and_store(make_benchmark("again"), ["int8_before"], output)
    assert list(document["runs"]) == ["keras_head", "int8_before"]
    assert document["settings"]["recipe"]["optimizer"] == "sgd"


def test_lars_trains_on_both_sides(modules, make_benchmark, tmp_path):
    benchmark = make_benchmark(optimizer="lars", trust_coefficient=0.5)
    document = modules[0].run_and_store(benchmark, ["keras", "int8", "exactness"], tmp_path / "result.json")
    plain = make_benchmark("plain").run("int8")
    trained = document["runs"]["int8"]
    # Eight bytes for each kernel with a rate of its own, beside the velocities.
    assert trained["variable_bytes"] > plain["variable_bytes"]
    assert trained["variables_sha256"] != plain["variables_sha256"]
    assert trained["arena_bytes"] == trained["arena_predicted_bytes"]
    assert document["runs"]["exactness"]["is_equal"]
    assert document["settings"]["recipe"]["optimizer"] == "lars"


def test_a_plan_by_gain_is_that_of_a_network_without_inverted_bottlenecks(modules, monkeypatch):
    gain = modules[0].expected_gain(make_model())
    by_gain = tfdgsu.plan(make_model(), update_fraction=0.1, gain=gain)
    assert by_gain.layers != tfdgsu.plan(make_model(), update_fraction=0.1).layers
    monkeypatch.setattr("tfdgsu.planner.expanding_convolutions", lambda calls: [])
    assert by_gain.layers == tfdgsu.plan(make_model(), update_fraction=0.1).layers


def test_a_stopped_run_goes_on_to_the_same_weights(modules, make_benchmark, monkeypatch):
    training_runs = modules[1]
    whole = make_benchmark("whole").run("int8")
    benchmark = make_benchmark("stopped")
    stream = training_runs.stream

    def stop_after_5(images, size, start=0):
        for number, item in enumerate(stream(images, size, start)):
            if number == 5:
                raise KeyboardInterrupt
            yield item

    every_second = training_runs.DeviceRun.__init__.__defaults__[:-1] + (2,)
    monkeypatch.setattr(training_runs.DeviceRun.__init__, "__defaults__", every_second)
    monkeypatch.setattr(training_runs, "stream", stop_after_5)
    with pytest.raises(KeyboardInterrupt):
        benchmark.run("int8")
    starts = []
    monkeypatch.setattr(training_runs, "stream", lambda *args: starts.append(args[2]) or stream(*args))
    resumed = benchmark.run("int8")
    assert starts[0] == 4  # the last stored one
    assert resumed["variables_sha256"] == whole["variables_sha256"]
    assert resumed["after"] == whole["after"]


def test_scores_keep_every_image(modules):
    training_runs = modules[1]
    right = np.array([True, False, True, True, False, False, True, True, True, False])
    fields = training_runs.Score(right).to_dict()
    assert fields["accuracy"] == pytest.approx(0.6)
    assert fields["standard_error"] == pytest.approx(np.sqrt(0.6 * 0.4 / 10))
    again = training_runs.Score.from_dict(json.loads(json.dumps(fields)), len(right))
    np.testing.assert_array_equal(again.right, right)
    lead, error = again.lead_over(training_runs.Score(~right))
    assert lead == pytest.approx(0.2)
    assert error == pytest.approx(np.sqrt((1 - 0.2**2) / 10))


def test_learning_rates_rise_and_fall(modules):
    rates = modules[1].Recipe(n_steps=100, learning_rate=0.5, n_warm_up=10).learning_rates()
    assert rates.dtype == np.float32
    assert rates[0] == pytest.approx(0.05)
    assert rates[9] == pytest.approx(0.5, rel=0.03)
    assert rates[50] == pytest.approx(0.25)
    assert 0 < rates[-1] < 1e-3
    assert np.all(np.diff(rates[10:]) < 0)


def test_images_come_in_one_order_and_split(modules):
    cifar10_images = modules[2]
    # Written down once: an order that changes makes results incomparable.
    np.testing.assert_array_equal(cifar10_images.shuffled(8, seed=0), [3, 2, 1, 6, 0, 7, 4, 5])
    images = cifar10_images.synthetic(30)
    train, validation = cifar10_images.split(images, 10)
    assert (len(train), len(validation)) == (20, 10)
    flat = np.concatenate([train.images, validation.images]).reshape(30, -1)
    assert sorted(map(bytes, flat)) == sorted(map(bytes, images.images.reshape(30, -1)))
    mirrored = cifar10_images.resized(images.images[:2], 32, flips=np.array([True, False]))
    np.testing.assert_allclose(mirrored[0, :, ::-1], images.images[0] / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(mirrored[1], images.images[1] / 127.5 - 1, atol=1e-6)
