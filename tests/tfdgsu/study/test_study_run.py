# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A run of a study: learns, is resumed bit for bit, and trains as `SparseUpdateModel.fit` does without the cache."""

import dataclasses
import re

import keras
import numpy as np
import pytest
from keras import layers

import tfdgsu
from tfdgsu.study import FeatureCache, Recipe, StudyImages, StudyRun

N_CLASSES = 3


def _model():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="stem")(image)
    x = layers.Conv2D(8, 1, activation="relu", name="a_expand")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="a_dw")(x)
    x = layers.Conv2D(8, 1, activation="relu", name="b_expand")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(N_CLASSES, activation="softmax", name="head")(x))


def _view(images, number):
    images = images.astype(np.float32) / 255
    return images[:, :, ::-1] if number % 2 else images


def _images(n, seed):
    """Noise whose colour is its class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, n)
    images = rng.integers(0, 60, (n, 8, 8, N_CLASSES)).astype(np.uint8)
    images[np.arange(n), :, :, labels] += 190
    return StudyImages(images, labels, _view, "noise")


RECIPE = Recipe("test", layers=("*_expand",), update_fraction=0.2, every=3, epochs=4, batch_size=8, warm_up_steps=2)
FAST = dataclasses.replace(RECIPE, optimizer="adam", learning_rate=0.03, epochs=6)


def _run(folder, recipe=RECIPE):
    run = StudyRun(_model(), recipe, _images(128, 0), {"validation": _images(60, 1)}, folder)
    return run, run.run()


def test_a_run_learns_and_says_what_it_cost(tmp_path):
    run, result = _run(tmp_path, FAST)
    assert result["history"][-1]["validation"] > 0.9
    plan = run.plan
    assert {layer.name: layer.n_selected for layer in plan.layers if layer.is_sparse}.keys() == {"a_expand", "b_expand"}
    assert result["update_fraction"] == plan.update_fraction <= 0.2
    updated = sum(layer.n_updated_weights for layer in plan.layers)
    assert updated < result["visited_weights"] <= plan.n_conv_weights + 24
    for numbers in result["memory"].values():
        assert 0 < numbers["share_of_dense"] < 1
    assert result["memory"]["int8"]["kept_bytes"] < result["memory"]["float32"]["kept_bytes"]


@pytest.mark.parametrize("changes", [{}, {"momentum": 0.9}, {"optimizer": "lars", "learning_rate": 0.1}])
def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path, changes):
    recipe = dataclasses.replace(RECIPE, **changes)
    whole, result = _run(tmp_path / "whole", recipe)

    class Interrupted(Exception):
        pass

    def stop(entry):
        if entry["epoch"] == 2:
            raise Interrupted

    arguments = (_images(128, 0), {"validation": _images(60, 1)}, tmp_path / "parts")
    with pytest.raises(Interrupted):
        StudyRun(_model(), recipe, *arguments).run(stop)
    resumed = StudyRun(_model(), recipe, *arguments)
    epochs = []
    again = resumed.run(lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [3, 4]
    for one, other in zip(whole.sparse.variables, resumed.sparse.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    scores = [[entry["validation"] for entry in item["history"]] for item in (result, again)]
    assert scores[0] == scores[1]


def test_a_state_of_other_variables_is_refused(tmp_path):
    _run(tmp_path, dataclasses.replace(RECIPE, epochs=1))
    (path,) = (tmp_path / "states").iterdir()
    with np.load(path) as stored:
        arrays = dict(stored)
    values = [value for name, value in arrays.items() if name not in ("history", "v3")]
    np.savez(path, history=arrays["history"], **{f"v{i}": value for i, value in enumerate(values)})
    with pytest.raises(ValueError, match=r"one of another version of tfdgsu, .*states.* Delete it"):
        _run(tmp_path, dataclasses.replace(RECIPE, epochs=1))


def test_a_stored_run_is_taken_for_no_other(tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=1)
    train, test = _images(128, 0), _images(60, 1)
    other_model = _model()
    other_model.get_layer("head").bias.assign([1.0, 0.0, 0.0])
    tasks = [
        (_model(), train, {"validation": test}),
        (_model(), train.take(np.arange(64)), {"validation": test}),
        (_model(), train, {"test": test}),
        (_model(), train, {"validation": train}),
        (other_model, train, {"validation": test}),
        (_model(), train, {"validation": test}),  # The first again.
    ]
    n_epochs = []
    for model, images, judges in tasks:
        epochs = []
        StudyRun(model, recipe, images, judges, tmp_path).run(epochs.append)
        n_epochs.append(len(epochs))
    assert n_epochs == [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("update", "moved"),
    [("head", {"head"}), ("bias", {"stem", "a_expand", "a_dw", "b_expand", "head"}), ("dense", {"a_expand", "head"})],
)
def test_what_a_recipe_updates(update, moved):
    patterns = ("a_expand",) if update == "dense" else ()
    plan = dataclasses.replace(RECIPE, update=update, layers=patterns).plan(_model())
    assert {layer.name for layer in plan.layers} == moved
    for layer in plan.layers:
        whole = update == "dense" or layer.name == "head"
        assert layer.n_selected == (layer.n_channels if whole else 0)


def test_where_a_recipe_spends_its_fraction():
    model = _model()
    both = dataclasses.replace(RECIPE, layers=("a_*", "*_expand"), bias_layers=("stem",))
    equal, by_gain = (dataclasses.replace(both, spread=spread).plan(model) for spread in ("equal", "gain"))
    for plan in (equal, by_gain):
        chosen = {layer.name: layer for layer in plan.layers}
        assert chosen.keys() == {"stem", "a_expand", "a_dw", "b_expand", "head"}
        assert chosen["stem"].n_selected == 0 and chosen["stem"].update_bias
        assert 0 < plan.update_fraction <= 0.2
    shares = [layer.n_selected / layer.n_channels for layer in equal.layers if layer.is_sparse]
    assert max(shares) - min(shares) < 0.2
    gain = tfdgsu.plan(model, update_fraction=0.2, n_layers=3)
    assert [(layer.name, layer.n_selected) for layer in gain.layers] == [
        (layer.name, layer.n_selected) for layer in by_gain.layers if layer.name != "stem"
    ]


@pytest.mark.parametrize("spread", ["later", "earlier"])
def test_spread_by_position(spread):
    inputs = x = keras.Input((8, 8, 3))
    for i in range(4):
        x = keras.layers.Conv2D(120, 1, activation="relu6", name=f"conv_{i}")(x)
    outputs = keras.layers.Dense(3, name="head")(keras.layers.GlobalAveragePooling2D()(x))
    recipe = dataclasses.replace(RECIPE, layers=("conv_[123]",), update_fraction=0.2, spread=spread)
    plan = recipe.plan(keras.Model(inputs, outputs))
    counts = {layer.name: layer.n_selected for layer in plan.layers}
    order = sorted(counts.keys() - {"head"}, reverse=spread == "earlier")
    unit = counts[order[0]]
    # 0.2 of all weights is 72.6 channels of these layers, and each share is rounded to whole ones.
    assert sum(counts[name] for name in order) == 72
    np.testing.assert_allclose([counts[name] / unit for name in order], [1, 2, 3], atol=0.2)


TURNS = dataclasses.replace(
    RECIPE, layers=("*_expand", "a_dw"), turns=2, optimizer="lars", learning_rate=0.1, update_fraction=0.15, epochs=1
)


def test_layers_that_take_turns_are_updated_in_theirs_alone(tmp_path, monkeypatch):
    run = StudyRun(_model(), TURNS, _images(128, 0), {}, tmp_path)
    kernels = {name: item.kernel for name, item in run.sparse.update_variables.items() if name != "head"}
    moved, before = [], {name: kernel.numpy() for name, kernel in kernels.items()}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            now = {name: kernel.numpy() for name, kernel in kernels.items()}
            moved.append({name for name in now if not np.array_equal(now[name], before[name])})
            before.update(now)

    fit = run.sparse.fit
    monkeypatch.setattr(
        run.sparse, "fit", lambda *args, callbacks, **kwargs: fit(*args, callbacks=[*callbacks, Watch()], **kwargs)
    )
    run.run()
    # Not step by step: the first of a layer has no rate yet.
    in_turns = [set().union(*moved[first : first + TURNS.every]) for first in range(0, len(moved), TURNS.every)]
    assert in_turns == [{"a_expand", "b_expand"}, {"a_dw"}] * 3


def test_what_turns_cost_is_what_the_dearest_costs(tmp_path):
    model = _model()
    first, second = TURNS.plans_of_turns(model)
    assert [[layer.name for layer in plan.layers if layer.is_sparse] for plan in (first, second)] == [
        ["a_expand", "b_expand"],
        ["a_dw"],
    ]
    assert 0 < second.update_fraction < first.update_fraction <= 0.15 < TURNS.plan(model).update_fraction
    _, result = _run(tmp_path, TURNS)
    assert result["update_fraction"] == first.update_fraction
    alone = dataclasses.replace(TURNS, turns=1, layers=("*_expand",), bias_layers=("a_dw",))
    _, result_alone = _run(tmp_path, alone)
    assert result["memory"] == result_alone["memory"]


def test_mixtures_are_of_features_and_of_classes(tmp_path):
    run = StudyRun(_model(), dataclasses.replace(RECIPE, mixup=0.4), _images(128, 0), {}, tmp_path)
    plain = StudyRun(_model(), RECIPE, _images(128, 0), {}, tmp_path)
    for item in (run, plain):
        item.prepare()
    for (x, y), (x_plain, one_hot) in zip(run._epoch(0), plain._epoch(0), strict=True):
        rows, rows_plain = (values.reshape(len(values), -1).astype(np.float64) for values in (x, x_plain))
        shares = np.linalg.lstsq(rows_plain.T, rows.T, rcond=None)[0].T  # Of each plain row in each mixture.
        assert np.all(np.sum(shares > 1e-6, axis=1) <= 2) and np.any(shares[np.eye(len(shares)) == 1] < 0.999)
        np.testing.assert_allclose(np.sum(shares, axis=1), 1.0, rtol=1e-5)
        np.testing.assert_allclose(y, shares @ one_hot, atol=1e-5)


def _prepared(front, folder, images):
    cache = FeatureCache(front, folder)
    n_done = []
    cache.prepare(images, 2, n_done.append)
    assert sum(n_done) == 2 * len(images.images)
    return cache


def test_features_are_those_of_the_front_and_found_again(tmp_path):
    model = _model()
    front, _ = tfdgsu.split_frozen_front(model, RECIPE.plan(model))
    images = _images(300, 2)
    positions, numbers = np.array([7, 299, 0, 7]), np.array([1, 0, 1, 0])
    x = np.stack([_view(images.images[i : i + 1], number)[0] for i, number in zip(positions, numbers, strict=True)])
    features = _prepared(front, tmp_path, images).batch(images, positions, numbers)
    np.testing.assert_allclose(features, front.predict_on_batch(x), rtol=1e-6)
    files = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    part = images.take(np.array([5, 299, 7, 0]))
    again = _prepared(front, tmp_path, part).batch(part, np.array([2, 1, 3, 2]), numbers)
    np.testing.assert_array_equal(again, features)
    np.testing.assert_array_equal(part.classes(np.array([2, 1])), images.labels[[7, 299]])
    assert files == {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    _prepared(front, tmp_path, _images(300, 3))
    stem = front.get_layer("stem")
    stem.set_weights([weight + 1 for weight in stem.get_weights()])
    _prepared(front, tmp_path, images)
    assert len(list(tmp_path.iterdir())) == 6


def test_what_has_no_front_trains_from_the_images(tmp_path):
    recipe = dataclasses.replace(FAST, update="dense", layers=())
    run, result = _run(tmp_path, recipe)
    assert result["history"][-1]["validation"] > 0.9 and result["memory"]["int8"]["share_of_dense"] == 1
    assert not (tmp_path / "features").exists()
    assert {layer.name for layer in run.plan.layers} >= {"stem", "a_dw"}


def test_bad_recipes_are_refused():
    with pytest.raises(ValueError, match=r"update must be one of .* Received: 'all'"):
        Recipe("x", update="all")
    with pytest.raises(ValueError, match=r"spread must be one of equal, gain, later, earlier\. Received: 'much'"):
        Recipe("x", spread="much")
    with pytest.raises(ValueError, match=r"epochs must be at least 1\. Received: 0"):
        Recipe("x", epochs=0)
    for changes in ({"update": "bias"}, {"layers": ()}, {"optimizer": "sgd"}, {"policy": "gradient"}):
        ((name, value),) = changes.items()
        with pytest.raises(ValueError, match=rf"takes turns .* Received: turns=2, .*\b{name}={re.escape(repr(value))}"):
            dataclasses.replace(TURNS, **changes)
    with pytest.raises(ValueError, match=r"turn must update some .* turns=2, update_fraction=1"):
        dataclasses.replace(TURNS, update_fraction=1).plan(_model())
    with pytest.raises(ValueError, match=r"pattern of layers must match convolutions .* Received: 'c_\*'"):
        Recipe("x", layers=("a_*", "c_*")).plan(_model())
    with pytest.raises(ValueError, match=r"pattern of bias_layers must match convolutions .* Received: 'c_\*'"):
        Recipe("x", layers=("a_*",), bias_layers=("c_*",)).plan(_model())
    with pytest.raises(ValueError, match="one label for each image"):
        StudyImages(np.zeros((2, 1)), np.zeros(3), _view, "v")
    assert Recipe("x").identity == Recipe("y").identity != Recipe("x", seed=1).identity
