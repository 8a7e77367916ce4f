# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Training from the outputs of the frozen front is training the whole model."""

import keras
import numpy as np
import pytest
from keras import layers

import tfdgsu


def _residual_model():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    x = layers.BatchNormalization(name="norm")(x)
    for i in range(3):
        branch = layers.Conv2D(4, 1, activation="relu", name=f"conv_{i}")(x)
        x = layers.Add(name=f"add_{i}")([x, branch])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="head")(x))


def _train(model, plan, x, y):
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    callbacks = [tfdgsu.DynamicSparseCallback(policy="random", every=2, seed=3)] if sparse.channels else []
    sparse.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0, callbacks=callbacks)
    return {name: item.kernel.numpy() for name, item in sparse.update_variables.items()}


@pytest.mark.parametrize(
    ("first", "cut"), [("conv_2", "add_1"), ("conv_1", "add_0"), ("conv_0", "norm"), ("head", "pool")]
)
def test_the_rest_trains_as_the_whole(first, cut):
    model = _residual_model()
    names = ["conv_0", "conv_1", "conv_2", "head"]
    chosen = {name: 2 for name in names[names.index(first) :] if name != "head"} | {"head": 4}
    plan = tfdgsu.plan(model, layers=chosen)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 8, 8, 3)).astype(np.float32), rng.integers(0, 3, 16)
    front, rest = tfdgsu.split_frozen_front(model, plan)
    expected_shape = (None, 4) if cut == "pool" else (None, 8, 8, 4)
    assert front.output_shape == expected_shape and front.layers[-1].name.startswith(cut)
    whole = _train(model, plan, x, y)
    alone = _train(rest, plan, front.predict(x, verbose=0), y)
    assert whole.keys() == alone.keys()
    for name, kernel in whole.items():
        np.testing.assert_allclose(alone[name], kernel, rtol=1e-5, atol=1e-6)
        assert not np.array_equal(kernel, model.get_layer(name).get_weights()[0])


def test_a_shortcut_around_the_cut_moves_it():
    image = keras.Input((8, 8, 2))
    early = layers.Conv2D(2, 1, name="early")(image)
    late = layers.Conv2D(2, 1, name="late")(early)
    joined = layers.Concatenate(name="joined")([layers.Conv2D(2, 1, name="updated")(late), early])
    model = keras.Model(image, layers.Dense(3, name="head")(layers.Flatten()(joined)))
    front, _ = tfdgsu.split_frozen_front(model, tfdgsu.plan(model, layers={"updated": 1}))
    assert front.layers[-1].name == "early"


def test_a_model_without_a_front_stays_whole():
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 1, name="first"), layers.Flatten()])
    front, rest = tfdgsu.split_frozen_front(model, tfdgsu.plan(model, layers={"first": 1}, train_head=False))
    assert front is None
    x = np.ones((2, 4, 4, 1), np.float32)
    np.testing.assert_array_equal(rest.predict_on_batch(x), model.predict_on_batch(x))


def test_a_plan_of_another_model_is_refused():
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 1, name="first"), layers.Flatten()])
    with pytest.raises(ValueError, match=r"Received: \['head'\]"):
        tfdgsu.split_frozen_front(model, tfdgsu.plan(_residual_model(), layers={"head": 4}))


def test_padding_alone_is_no_front():
    """Its outputs are larger than the images, and nothing is saved."""
    image = keras.Input((8, 8, 2))
    padded = layers.ZeroPadding2D(1, name="pad")(layers.Rescaling(2.0, name="scale")(image))
    x = layers.Conv2D(2, 3, name="updated")(padded)
    model = keras.Model(image, layers.Dense(3, name="head")(layers.Flatten()(x)))
    front, rest = tfdgsu.split_frozen_front(model, tfdgsu.plan(model, layers={"updated": 1}))
    assert front is None and rest.input_shape == (None, 8, 8, 2)
