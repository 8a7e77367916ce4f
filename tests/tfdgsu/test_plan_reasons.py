# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a plan says about why each layer is or isn't updated, and whether it is true."""

import re

import keras
import model_zoo
import pytest
from keras import layers

import tfdgsu

GAIN = {"body_conv": 1.0, "body_point": 2.0}


@pytest.fixture(scope="module")
def mobilenet():
    return model_zoo.mobilenet_v2()


def _reasons(plan):
    return {reason.name: reason.reason for reason in plan.reasons}


def test_every_layer_with_a_kernel_has_a_reason_and_its_gain(mobilenet, capsys):
    plan = tfdgsu.plan(mobilenet, ram="500KB")
    names = {layer.name for layer in plan.layers} | set(plan.frozen)
    assert set(_reasons(plan)) == names
    assert all(reason.gain > 0 for reason in plan.reasons if plan.reasons and reason.name == "block_16_expand")
    text = plan.summary()
    assert capsys.readouterr().out == text + "\n"
    for reason in plan.reasons:
        assert reason.reason in text


def test_words_agree_with_the_choice(mobilenet):
    plan = tfdgsu.plan(mobilenet, ram="500KB")
    for name, reason in _reasons(plan).items():
        if name in plan.frozen:
            assert reason.startswith("frozen: ")
            continue
        update = plan.layer(name)
        if name == "predictions":
            assert reason == "the head, trained wholly"
        elif update.n_selected:
            assert reason.startswith((f"{update.n_selected} of {update.n_channels} channels", "all channels"))
        else:
            assert reason.startswith("bias only: ")


def test_a_kernel_that_does_not_fit_fits_with_the_bytes_that_it_is_said_to_need(mobilenet):
    plan = tfdgsu.plan(mobilenet, ram="500KB")
    missing = {
        name: int(found[1].replace(",", ""))
        for name, reason in _reasons(plan).items()
        if (found := re.search(r"does not fit, needs ([\d,]+) more bytes", reason))
    }
    assert missing
    for name, n_bytes in missing.items():
        assert 0 < n_bytes <= 4 * plan.layer(name).weights_per_channel * plan.layer(name).n_channels + 50_000


def test_reasons_of_gain_and_depth():
    model = model_zoo.nested_model()
    plan = tfdgsu.plan(model, n_layers=2, update_fraction=0.5, gain={"body_conv": 1.0})
    assert _reasons(plan)["conv"] == "frozen: in front of the last 2 of 3 convolutions"
    assert _reasons(plan)["body_point"] == "bias only: its kernel has no expected gain"
    plan = tfdgsu.plan(model, n_layers=2, update_fraction=0.01, gain=GAIN)
    assert _reasons(plan)["body_conv"].startswith("bias only: one channel of 72 weights exceeds the 6 of update_fra")


def test_reason_of_a_layer_that_gradient_cannot_reach():
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, name="early")(inputs)
    x = layers.LayerNormalization(name="wall")(x)
    x = layers.Conv2D(6, 3, name="late")(x)
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.Flatten()(x)))
    assert "can't pass through 'wall'" in _reasons(tfdgsu.plan(model, update_fraction=0.1))["early"]


def test_explicit_plan_says_what_was_chosen():
    plan = tfdgsu.plan(model_zoo.small_conv_net(), layers={"conv_2": 3, "conv_3": 0})
    assert _reasons(plan) == {
        "conv_1": "frozen: not chosen",
        "conv_2": "3 of 8 channels and bias",
        "conv_3": "bias only",
        "dense": "frozen: not chosen",
        "head": "the head, trained wholly",
    }


def test_a_given_gain_decides():
    model = model_zoo.nested_model()

    def n_selected(favourite):
        gain = {name: 10.0 if name == favourite else 0.1 for name in GAIN}
        plan = tfdgsu.plan(model, n_layers=2, update_fraction=0.25, gain=gain)
        return {name: plan.layer(name).n_selected for name in GAIN}

    for name in GAIN:
        other = next(other for other in GAIN if other != name)
        assert n_selected(name)[name] > n_selected(other)[name]
