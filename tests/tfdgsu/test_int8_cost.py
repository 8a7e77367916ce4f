# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The predicted cost of an int8 bundle, counted by hand, and how its chains of convolutions are cut."""

import json

import keras
import model_zoo
import pytest
from keras import layers

import tfdgsu
from tfdgsu.fused_layers import find_blocks, float_tail
from tfdgsu.gradient_path import trace
from tfdgsu.layer_graph import flatten
from tfdgsu.prepare import prepare


def _block_net():
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(16, 1, name="expand")(inputs)  # 8x8x16
    x = layers.ReLU(6.0, name="expand_relu")(x)
    x = layers.ZeroPadding2D(1, name="pad")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.ReLU(6.0, name="depthwise_relu")(x)
    x = layers.Conv2D(4, 1, name="project")(x)  # 8x8x4
    x = layers.Add(name="add")([inputs, x])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(2, name="head")(x))


def _blocks(model, update_layers):
    plan = tfdgsu.plan(model, layers=update_layers, quantize="int8")
    updates = {update.name: update for update in plan.layers}
    path = trace(flatten(prepare(model)), set(updates))
    return [[call.name for call in block.calls] for block in find_blocks(path, updates, float_tail(path))]


WHOLE = ["expand", "expand_relu", "pad", "depthwise", "depthwise_relu", "project", "add"]


@pytest.mark.parametrize(
    ("update_layers", "blocks"),
    [
        ({}, [WHOLE]),
        ({"expand": 2}, [WHOLE]),
        ({"expand": 4, "depthwise": 0, "project": 0}, [WHOLE]),
        ({"depthwise": 3}, [WHOLE[:2], WHOLE[2:6]]),
        ({"project": 3}, [WHOLE[:5], WHOLE[5:6]]),
        ({"expand": 1, "depthwise": 1, "project": 1}, [WHOLE[:2], WHOLE[2:5], WHOLE[5:6]]),
    ],
)
def test_a_chain_is_cut_in_front_of_kernels_that_move(update_layers, blocks):
    assert _blocks(_block_net(), update_layers) == blocks


@pytest.mark.parametrize(("update_layers", "has_add"), [({"deep": 1}, False), ({"head": 2}, True)])
def test_an_addition_behind_a_mask_stays_apart(update_layers, has_add):
    inputs = keras.Input((6, 6, 2))
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="deep")(inputs)
    x = layers.ReLU(name="project_relu")(layers.Conv2D(2, 1, name="project")(x))
    x = layers.GlobalAveragePooling2D()(layers.Add(name="add")([inputs, x]))
    model = keras.Model(inputs, layers.Dense(2, name="head")(x))
    (block,) = _blocks(model, update_layers)
    assert block[-1] == ("add" if has_add else "project_relu")


def test_a_separable_net_pairs_depthwise_with_pointwise():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="stem")(inputs)
    for i in range(2):
        x = layers.SeparableConv2D(4, 3, padding="same", activation="relu", name=f"s{i}")(x)
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x)))
    kernels = [[name for name in block if "activation" not in name] for block in _blocks(model, {})]
    assert kernels == [["stem", "s0_depthwise", "s0_pointwise"], ["s1_depthwise", "s1_pointwise"]]


def test_cost_of_a_block_counted_by_hand():
    cost = tfdgsu.plan(_block_net(), layers={"expand": 2, "project": 0}, quantize="int8").cost
    n_pixels = 8 * 8
    mask = n_pixels * 16 // 8
    selected = n_pixels * 2
    assert cost.kept_activation_bytes == selected + 4 * 4  # int8; and the head's float32 input
    assert cost.relu_mask_bytes == 2 * mask
    # expand: int8 kernel, int32 bias, channels; project: bias; float32 head; step.
    assert cost.mutable_weight_bytes == 4 * 16 + 4 * 16 + 4 * 2 + 4 * 4 + 4 * (4 * 2 + 2) + 4
    # x with y one row below it, masks, selected channels, three rows in front of the depthwise stage and one row in front
    # of project. Or y with its float32 copy, masks and selected channels.
    lines = (3 + 1) * 8 * 16
    block = (n_pixels + 8) * 4 + 2 * mask + selected + lines
    dequantize = n_pixels * 4 * (1 + 4) + 2 * mask + selected
    assert cost.forward_peak_bytes == max(block, dequantize)
    # The backward pass of the block: the gradient of the sum; a tile of eight channels of the two wide gradients; both
    # masks; selected channels; the output. Nothing is passed on.
    assert cost.backward_peak_bytes == 4 * n_pixels * 4 + 8 * 2 * 4 * n_pixels + 2 * mask + selected + 4 * 2


def test_backward_passes_that_are_not_fused_hold_two_wide_gradients():
    """A 3x3 convolution in front of the depthwise one isn't part of a backward block."""
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(16, 3, padding="same", name="expand")(inputs)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Conv2D(4, 1, name="project")(x)
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D(name="pool")(x)))
    cost = tfdgsu.plan(model, layers={"expand": 0}, quantize="int8").cost
    wide = 4 * 8 * 8 * 16
    assert cost.backward_peak_bytes == 2 * wide + 4 * 2


def test_rounding_with_remainder_takes_a_byte_more_per_weight():
    choice = {"layers": {"expand": 2}, "quantize": "int8"}
    plain, nearest, remainder = (
        tfdgsu.plan(_block_net(), rounding=rounding, **choice) for rounding in ("stochastic", "nearest", "remainder")
    )
    assert nearest.cost == plain.cost
    assert remainder.cost.mutable_weight_bytes - plain.cost.mutable_weight_bytes == 4 * 16
    assert (plain.quantize, plain.rounding, remainder.rounding) == ("int8", "stochastic", "remainder")
    assert json.loads(remainder.to_json())["rounding"] == "remainder"
    assert tfdgsu.SparseUpdatePlan.from_json(remainder.to_json()) == remainder
    assert tfdgsu.plan(_block_net(), layers={"expand": 2}).rounding is None


def test_momentum_stays_float32():
    choice = {"layers": {"expand": 2}, "quantize": "int8"}
    plain, momentum = (tfdgsu.plan(_block_net(), momentum=m, **choice).cost for m in (False, True))
    assert momentum.mutable_weight_bytes - plain.mutable_weight_bytes == 4 * (2 * 16 + 16 + 4 * 2 + 2)


@pytest.mark.parametrize(
    ("strides", "n_out", "n_bytes"),
    [
        (2, 4, 8 * 8 * 4 + 4 * 4),  # Row 0 of x is read while row 0 of y is written, so that ends where x begins.
        (1, 4, 8 * 8 * 4 + 2 * 8 * 4),  # Row 0 of x is read while rows 0 and 1 of y are written.
        (1, 12, 8 * 8 * 12 + 2 * 8 * 4),  # The last two rows of x are read while the last row of y is written.
    ],
)
def test_a_block_may_write_below_its_input(strides, n_out, n_bytes):
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(n_out, 3, strides=strides, padding="same", name="conv")(inputs)
    model = keras.Model(inputs, layers.Dense(2, name="head")(layers.GlobalAveragePooling2D()(x)))
    path = trace(flatten(prepare(model)), {"head"})
    (block,) = find_blocks(path, {}, float_tail(path))
    size = 8 * 8 * 4 + (8 // strides) ** 2 * n_out
    assert size - block.overlap_elements() == n_bytes


@pytest.mark.parametrize("name", model_zoo.ALL_MODELS)
def test_int8_takes_less_than_float32(name):
    model = model_zoo.build(name)
    float32, int8 = (tfdgsu.plan(model, update_fraction=0.1, n_layers=2, quantize=q).cost for q in (None, "int8"))
    assert int8.forward_peak_bytes < float32.forward_peak_bytes
    assert int8.mutable_weight_bytes < float32.mutable_weight_bytes
    assert int8.total_bytes < float32.total_bytes
