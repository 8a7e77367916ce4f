# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Heat maps of visited channels, against channels recorded here step by step."""

import keras
import model_zoo
import numpy as np
import pytest

import tfdgsu

N_STEPS, EVERY = 23, 4


class EveryStep(keras.callbacks.Callback):
    """Keeps the channels of every step."""

    def __init__(self):
        super().__init__()
        self.steps = []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append({name: variable.numpy() for name, variable in self.model.channels.items()})


def fit(sparse, *callbacks, n_steps=N_STEPS, **options):
    x, y = model_zoo.random_batch(sparse.model, 2 * n_steps)
    sparse.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=list(callbacks), **options)


def make(layers):
    model = model_zoo.conv_1d_net()
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=layers))
    sparse.compile(keras.optimizers.SGD(0.02), loss="sparse_categorical_crossentropy")
    return sparse


@pytest.fixture(scope="module")
def trained():
    """A model, what it recorded, and what each step trained; trained in two parts."""
    sparse, history, steps = make({"conv_2": 3, "conv_3": 5}), tfdgsu.ChannelHistory(), EveryStep()
    redraw = tfdgsu.DynamicSparseCallback(policy="random", every=EVERY, seed=3)
    # In front of what re-draws: the order of callbacks must not matter.
    fit(sparse, history, redraw, steps, n_steps=N_STEPS - 6)
    fit(sparse, history, redraw, steps, n_steps=6)
    return sparse, history, steps.steps


def count(steps, name, n_channels):
    """[C, steps]: updates of each channel so far."""
    is_selected = np.zeros((n_channels, len(steps)), int)
    for i, step in enumerate(steps):
        is_selected[step[name], i] = 1
    return is_selected.cumsum(axis=1)


def images(ax):
    return {image.get_gid(): image.get_array() for image in ax.images}


def test_history_counts_every_step(trained):
    sparse, history, steps = trained
    assert len(steps) == N_STEPS == history.end
    assert len(history.starts) == -(-N_STEPS // EVERY)
    for name in sparse.channels:
        n_channels = sparse.plan.layer(name).n_channels
        counted = history.n_updates(name, np.arange(N_STEPS + 1))
        np.testing.assert_array_equal(counted[:, 0], 0)
        np.testing.assert_array_equal(counted[:, 1:], count(steps, name, n_channels))


def test_maps_are_the_counts(trained, assert_nothing_is_clipped):
    sparse, history, steps = trained
    ax = tfdgsu.plots.visited_channels(history)
    drawn = images(ax)
    assert list(drawn) == list(sparse.channels)
    for name, n_updates in drawn.items():
        expected = count(steps, name, sparse.plan.layer(name).n_channels)
        np.testing.assert_array_equal(n_updates.filled(0), expected)
    assert ax.get_xlim() == (0, N_STEPS)
    assert_nothing_is_clipped(ax.figure)


def test_long_trainings_are_sampled(trained, monkeypatch):
    from tfdgsu.plots import draw_visited_channels

    monkeypatch.setattr(draw_visited_channels, "_N_COLUMNS", 5)
    _, history, steps = trained
    drawn = images(tfdgsu.plots.visited_channels(history))["conv_2"]
    ends = [N_STEPS * (i + 1) // 5 for i in range(5)]
    expected = count(steps, "conv_2", len(history.pools["conv_2"]))[:, [end - 1 for end in ends]]
    np.testing.assert_array_equal(drawn.filled(0), expected)


def test_a_model_knows_what_was_ever_updated(trained, assert_nothing_is_clipped):
    sparse, _, steps = trained
    ax = tfdgsu.plots.visited_channels(sparse)
    for name, state in images(ax).items():
        expected = (count(steps, name, state.size)[:, -1] > 0).astype(int)
        expected[steps[-1][name]] = 2
        np.testing.assert_array_equal(state[0], expected)
    shares = [label.get_text() for label in ax.get_yticklabels()]
    visited = (images(ax)["conv_2"] > 0).mean()
    assert shares[0].endswith(f"{100 * visited:.0f}% updated")
    assert_nothing_is_clipped(ax.figure)


def test_draws_into_given_axes(trained, pyplot):
    figure, axes = pyplot.subplots(1, 2)
    assert tfdgsu.plots.visited_channels(trained[0], ax=axes[0]) is axes[0]
    assert tfdgsu.plots.visited_channels(trained[1], ax=axes[1]) is axes[1]
    assert pyplot.get_fignums() == [figure.number]


def test_channels_of_a_pool_have_its_rows():
    model = model_zoo.build("small_conv_net")
    name = next(layer.name for layer in model.layers if type(layer).__name__ == "Conv2D" and layer.input.shape[-1] > 5)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={name: (2, 4)}, quantize="int8"))
    sparse.compile(keras.optimizers.SGD(0.02), loss="sparse_categorical_crossentropy")
    history, steps = tfdgsu.ChannelHistory(), EveryStep()
    fit(sparse, tfdgsu.DynamicSparseCallback(policy="random", every=1), history, steps, n_steps=5)
    expected = count(steps.steps, name, sparse.plan.layer(name).n_channels)[sparse.pools[name]]
    np.testing.assert_array_equal(images(tfdgsu.plots.visited_channels(history))[name].filled(0), expected)


def test_what_was_not_recorded_is_refused(trained):
    with pytest.raises(ValueError, match="without a step"):
        tfdgsu.plots.visited_channels(tfdgsu.ChannelHistory())
    with pytest.raises(TypeError, match="Received: 'conv_2'"):
        tfdgsu.plots.visited_channels("conv_2")
    with pytest.raises(ValueError, match="selects none"):
        tfdgsu.plots.visited_channels(make({"conv_3": 0}))
    with pytest.raises(ValueError, match="Received: 'other'"):
        trained[1].n_updates("other", [1])
    with pytest.raises(ValueError, match="records one model"):
        fit(make({"conv_2": 3}), trained[1], n_steps=1)
    with pytest.raises(TypeError, match="needs a tfdgsu.SparseUpdateModel"):
        tfdgsu.ChannelHistory().set_model(trained[0].model)
    with pytest.raises(ValueError, match="selects none"):
        tfdgsu.ChannelHistory().set_model(make({"conv_3": 0}))
