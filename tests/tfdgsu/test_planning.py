# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What `tfdgsu.plan` chooses, predicts, prints and refuses."""

import dataclasses
import itertools
import json

import keras
import model_zoo
import pytest
from keras import layers

import tfdgsu
from tfdgsu.allocation import allocate
from tfdgsu.byte_size import parse_bytes


@pytest.fixture(scope="module")
def mobilenet():
    return model_zoo.mobilenet_v2()


@pytest.mark.parametrize("update_fraction", [0.005, 0.02, 0.1, 1.0])
def test_update_fraction_is_never_exceeded(mobilenet, update_fraction):
    plan = tfdgsu.plan(mobilenet, update_fraction=update_fraction)
    assert plan.update_fraction <= update_fraction
    if 0.02 <= update_fraction <= 0.1:
        assert plan.update_fraction > 0.8 * update_fraction


def test_default_trains_the_head_and_may_reach_the_last_sixty_percent(mobilenet):
    plan = tfdgsu.plan(mobilenet)
    assert plan.layers[-1].name == "predictions"
    assert plan.layers[-1].n_selected == plan.layers[-1].n_channels
    assert len(plan.layers) == 32 + 1  # of 52 convolutions
    assert len(plan.layers) + len(plan.frozen) == 53


def test_json_round_trip():
    plan = tfdgsu.plan(model_zoo.concat_net(), ram="100KB", update_fraction=0.2, momentum=True)
    assert tfdgsu.SparseUpdatePlan.from_json(plan.to_json()) == plan
    assert json.loads(plan.to_json())["format_version"] == 2
    with pytest.raises(ValueError, match="format_version"):
        tfdgsu.SparseUpdatePlan.from_dict({**plan.to_dict(), "format_version": 3})


def test_plan_of_the_first_format_loads():
    plan = tfdgsu.plan(model_zoo.conv_1d_net())
    old = {name: value for name, value in plan.to_dict().items() if name not in ("quantize", "rounding", "reasons")}
    loaded = tfdgsu.SparseUpdatePlan.from_dict({**old, "format_version": 1})
    assert loaded == dataclasses.replace(plan, reasons=())
    assert loaded.quantize is None


def _without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda f: _without(f, "layers"), ValueError, r"Received: plan without \['layers'\]"),
        (lambda f: {**f, "more": 1}, ValueError, r"with unknown \['more'\]"),
        (lambda f: {**f, "layers": [_without(f["layers"][0], "name")]}, ValueError, r"layers\[0\] without \['name'\]"),
        (lambda f: {**f, "cost": _without(f["cost"], "items")}, ValueError, r"cost without \['items'\]"),
        (lambda f: {**f, "layers": 3}, TypeError, "must hold a list for layers. Received: 3"),
        (lambda f: {**f, "cost": None}, TypeError, "must hold an object for cost. Received: None"),
        (lambda f: [f], TypeError, "must hold an object for plan"),
    ],
)
def test_damaged_plan_is_refused(damage, error, message):
    fields = json.loads(tfdgsu.plan(model_zoo.conv_1d_net()).to_json())
    with pytest.raises(error, match=message):
        tfdgsu.SparseUpdatePlan.from_json(json.dumps(damage(fields)))


def test_plan_that_is_no_json_is_refused():
    with pytest.raises(ValueError, match="A plan must be JSON. Received: 'layers:'"):
        tfdgsu.SparseUpdatePlan.from_json("layers:")


def test_plan_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        tfdgsu.plan(model_zoo.conv_1d_net()).method = "other"


def test_summary_prints_layers_costs_and_largest_buffers(capsys):
    text = tfdgsu.plan(model_zoo.depthwise_residual_net(), ram="64KB").summary()
    assert capsys.readouterr().out == text + "\n"
    for expected in ("block_3_project", "kept activations", "ReLU masks", "forward peak", "budget", "Largest buffers"):
        assert expected in text


def test_cost_of_a_model_small_enough_to_count_by_hand():
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 3, padding="same", name="first")(inputs)  # 4x4x8
    x = layers.ReLU(name="relu")(x)
    x = layers.Conv2D(6, 1, name="second")(x)  # 4x4x6
    x = layers.ReLU(name="relu_2")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # 6
    outputs = layers.Dense(2, name="head")(x)
    plan = tfdgsu.plan(keras.Model(inputs, outputs), layers={"second": 2})
    cost = plan.cost
    assert cost.kept_activation_bytes == 4 * (4 * 4 * 2 + 6)  # two channels of second's input, head's whole input
    assert cost.relu_mask_bytes == 4 * 4 * 6 // 8
    # second: kernel, bias, channels; head: kernel, bias; step.
    assert cost.mutable_weight_bytes == 4 * (8 * 6 + 6 + 2 + 6 * 2 + 2 + 1)
    # first's input and output; or first's output, the selected channels and second's output.
    assert cost.forward_peak_bytes == 4 * (16 * 8 + 16 * 2 + 16 * 6)
    # pool's gradient, selected channels and mask, while relu_2's gradient is made from pool's; the output stays alive.
    assert cost.backward_peak_bytes == 4 * (16 * 2 + 16 * 6 + 6 + 2) + 12
    peak = max(cost.forward_peak_bytes, cost.backward_peak_bytes)
    assert cost.total_bytes == cost.mutable_weight_bytes + cost.interpreter_bytes + peak


def test_momentum_and_batch_size_count():
    model = model_zoo.small_conv_net()
    choice = {"conv_2": 3, "conv_3": 0}
    plain = tfdgsu.plan(model, layers=choice).cost
    momentum = tfdgsu.plan(model, layers=choice, momentum=True).cost
    assert momentum.mutable_weight_bytes - plain.mutable_weight_bytes == 4 * (3 * 3 * 3 * 12 + 12 + 10 + 16 * 5 + 5)
    lars = tfdgsu.plan(model, layers=choice, optimizer="lars").cost
    assert lars.mutable_weight_bytes - plain.mutable_weight_bytes == 4 * 3 * 3 * 3 * 12 + 8
    batch = tfdgsu.plan(model, layers=choice, batch_size=8).cost
    assert batch.kept_activation_bytes == 8 * plain.kept_activation_bytes


def test_a_smaller_budget_gives_a_plan_that_fits(mobilenet):
    for ram in (520_000, 345_000, 260_000):
        plan = tfdgsu.plan(mobilenet, ram=ram, update_fraction=0.02)
        assert plan.cost.total_bytes <= ram
        assert plan.update_fraction > 0.01
        assert plan.ram_bytes == ram


def test_a_budget_that_is_too_small_says_what_would_fit():
    model = model_zoo.small_conv_net()
    smallest = tfdgsu.plan(model, layers={"conv_3": 0})
    with pytest.raises(ValueError, match="the smallest needs .* forward peak.* smaller input or model, or quantize"):
        tfdgsu.plan(model, ram=1000)
    with pytest.raises(ValueError, match=r"smaller input or model\.$"):
        tfdgsu.plan(model, ram=1000, quantize="int8")
    with pytest.raises(
        ValueError, match=f"needs at least ram={smallest.cost.total_bytes:,} bytes, the budget is 6,000"
    ):
        tfdgsu.plan(model, ram=6000, layers={"conv_3": 0})
    deep = tfdgsu.plan(model, update_fraction=0, n_layers=3).cost.total_bytes
    with pytest.raises(ValueError, match=r"What fits: n_layers=2, update_fraction="):
        tfdgsu.plan(model, ram=deep - 1, update_fraction=1.0, n_layers=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": ["conv_2"]}, "maps layer names to numbers.*Received: layers=\\['conv_2'\\]"),
        ({"layers": {3: 1}}, "convolution or dense layer.*Received: 3"),
        ({"gain": [1.0]}, "gain must map layer names.*Received"),
        ({"gain": {"dense": 1.0}}, "must name convolutions.*Received: 'dense'"),
        ({"gain": {"conv_2": -1.0}}, "at least 0. Received: gain"),
        ({"quantize": "int4"}, "quantize must be None or 'int8'. Received: quantize='int4'"),
        ({"quantize": "int8", "rounding": "up"}, "rounding must be one of .*Received: rounding='up'"),
        ({"update_fraction": 1.5}, "update_fraction must be in"),
        ({"update_fraction": "0.1"}, "Received: update_fraction='0.1'"),
        ({"update_fraction": float("nan")}, "Received: update_fraction=nan"),
        ({"batch_size": 1.5}, "Received: batch_size=1.5"),
        ({"batch_size": "2"}, "Received: batch_size='2'"),
        ({"n_layers": 1.5}, "Received: n_layers=1.5"),
        ({"layers": {"conv_3": "x"}}, "Received: layers\\['conv_3'\\]='x'"),
        ({"update_fraction": 0.1, "layers": {"conv_1": 1}}, "excludes update_fraction"),
        ({"layers": {"nothing": 1}}, "There are .*conv_1"),
        ({"layers": {"pool": 1}}, "convolution or dense layer"),
        ({"layers": {"conv_2": 9}}, "between 0 and all of its 8 input channels"),
        ({"n_layers": 9}, "between 0 and the model's 3 convolutions"),
        ({"ram": "many"}, "number of bytes"),
        ({"ram": -1}, "number of bytes"),
        ({"method": "other"}, "method must be one of"),
        ({"batch_size": 0}, "batch_size must be a whole number, at least 1"),
        ({"layers": {}, "train_head": False}, "must update something"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tfdgsu.plan(model_zoo.small_conv_net(), **arguments)


def _with(layer, **update_options):
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 1, name="update", **update_options)(inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layer(x))))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.Conv2D(4, 3, dilation_rate=2, name="bad"), "'bad'.*dilation_rate must be 1.*Received"),
        (layers.Conv2D(4, 3, groups=2, name="bad"), "'bad'.*groups must be 1"),
        (layers.LayerNormalization(name="bad"), "'bad' .LayerNormalization.*Replace it"),
        (layers.Activation("gelu", name="bad"), "'bad'.*gelu"),
        (layers.ReLU(threshold=0.5, name="bad"), "'bad'.*threshold must be 0"),
        (layers.ReLU(6.0, negative_slope=0.1, name="bad"), "'bad'.*one bit per element"),
        (layers.Softmax(axis=1, name="bad"), "'bad'.*last axis"),
        (layers.Conv2D(4, 3, activity_regularizer="l2", name="bad"), "'bad'.*activity regularizer"),
        (layers.Conv2D(4, 3, dtype="mixed_float16", name="bad"), "'bad'.*one dtype"),
    ],
)
def test_a_layer_that_gradient_cannot_pass_is_named(layer, message):
    with pytest.raises(ValueError, match=message):
        tfdgsu.plan(_with(layer), layers={"update": 2})


@pytest.mark.parametrize("option", ["kernel_regularizer", "bias_regularizer", "kernel_constraint"])
def test_an_update_layer_with_a_regularizer_is_refused(option):
    value = "non_neg" if option.endswith("constraint") else "l2"
    with pytest.raises(ValueError, match=f"'update'.*{option} must be None"):
        tfdgsu.plan(_with(layers.ReLU(), **{option: value}), layers={"update": 2})


def test_shared_update_layer_is_refused():
    shared = layers.Conv2D(4, 1, name="shared")
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, layers.Flatten()(shared(shared(inputs))))
    with pytest.raises(ValueError, match="'shared'.*called once. Received: 2 calls"):
        tfdgsu.plan(model, layers={"shared": 2})


def test_anything_goes_in_front_of_the_gradient_path():
    inputs = keras.Input((8, 8, 4))
    shared = layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="gelu")
    x = layers.LayerNormalization()(shared(shared(inputs)))
    x = layers.Conv2D(6, 3, name="update")(x)
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.Flatten()(x)))
    plan = tfdgsu.plan(model, update_fraction=0.1)
    assert [layer.name for layer in plan.layers] == ["update", "head"]


def test_model_without_convolutions():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(6, name="a"), layers.Dense(2, name="b")])
    assert [layer.name for layer in tfdgsu.plan(model).layers] == ["b"]
    assert [layer.n_selected for layer in tfdgsu.plan(model, layers={"a": 3}).layers] == [3, 6]


def test_allocate_finds_the_best_of_all_choices():
    """Against trying every choice, where all channels have as many weights: else the last one may not fit."""
    shapes, gains = [(1, 1, 4, 6), (1, 1, 5, 6), (3, 2, 6, 1)], [5.0, 1.0, 2.0]

    def total(choice):
        return sum(gain * (k / shape[-2]) ** 0.5 for gain, k, shape in zip(gains, choice, shapes, strict=True))

    for n_channels in range(16):
        fitting = [c for c in itertools.product(range(5), range(6), range(7)) if sum(c) <= n_channels]
        assert allocate(shapes, gains, 6 * n_channels + 5) == list(max(fitting, key=total))


def test_allocate_leaves_out_what_is_too_dear_or_gains_nothing():
    assert allocate([(1, 1, 10, 4), (1, 1, 10, 1000)], [1, 1], 40) == [10, 0]
    assert allocate([(1, 1, 10, 4)], [1], 3) == [0]
    assert allocate([(1, 1, 10, 4), (1, 1, 10, 4)], [0, 1], 400) == [0, 10]
    assert allocate([], [], 3) == []


@pytest.mark.parametrize(
    ("size", "n_bytes"), [("256KB", 262144), ("256 KiB", 262144), ("1MB", 2**20), ("0.5k", 512), (77, 77), (None, None)]
)
def test_parse_bytes(size, n_bytes):
    assert parse_bytes(size) == n_bytes
