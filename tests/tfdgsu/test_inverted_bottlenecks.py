# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a plan updates of inverted bottlenecks, and which layers count as such."""

import keras
import model_zoo
import pytest
from keras import layers

import tfdgsu
from tfdgsu.expected_gain import prior_gain
from tfdgsu.inverted_bottlenecks import expanding_convolutions
from tfdgsu.layer_graph import flatten
from tfdgsu.prepare import prepare


@pytest.fixture(scope="module")
def mobilenet():
    return model_zoo.mobilenet_v2()


def _block(x, n_wide, n_narrow, name, activation="relu6"):
    x = layers.Conv2D(n_wide, 1, activation=activation, name=f"{name}_expand")(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation=activation, name=f"{name}_dw")(x)
    return layers.Conv2D(n_narrow, 1, name=f"{name}_project")(x)


def _network(make_body):
    inputs = keras.Input((6, 6, 4))
    x = layers.GlobalAveragePooling2D()(make_body(inputs))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))


def _expanding(model):
    return [call.name for call in expanding_convolutions(flatten(prepare(model)).calls)]


def _selected(plan):
    return {layer.name: layer.n_selected for layer in plan.layers if layer.n_selected and layer.kind != "Dense"}


def test_first_convolutions_of_inverted_bottlenecks_are_found(mobilenet):
    assert _expanding(mobilenet) == [f"block_{block}_expand" for block in range(1, 17)]


def test_a_block_is_found_through_padding_and_any_activation():
    def body(x):
        x = layers.Conv2D(12, 1, name="wide")(x)
        x = layers.ZeroPadding2D(1)(layers.LeakyReLU()(x))
        x = layers.DepthwiseConv2D(3, strides=2)(x)
        return layers.Conv2D(6, 1)(layers.Activation("sigmoid")(x))

    assert _expanding(_network(body)) == ["wide"]


@pytest.mark.parametrize(
    "body",
    [
        lambda x: _block(x, 8, 16, "widens_twice"),
        lambda x: _block(x, 4, 2, "does_not_expand"),
        lambda x: layers.Conv2D(3, 1)(layers.DepthwiseConv2D(3)(layers.Conv2D(12, 3)(x))),
        lambda x: layers.Conv2D(3, 1)(layers.Conv2D(12, 3)(layers.Conv2D(12, 1)(x))),
        lambda x: layers.DepthwiseConv2D(3)(layers.Conv2D(12, 1)(x)),
        lambda x: layers.Conv2D(12, 1)(x),
    ],
    ids=["widens_twice", "does_not_expand", "3x3", "no_depthwise", "no_project", "last"],
)
def test_other_chains_are_no_inverted_bottlenecks(body):
    assert _expanding(_network(body)) == []


def test_a_wide_tensor_with_two_readers_is_no_bottleneck():
    def body(x):
        wide = layers.Conv2D(12, 1)(x)
        narrow = layers.Conv2D(6, 1)(layers.DepthwiseConv2D(3, padding="same")(wide))
        return layers.Concatenate()([wide, narrow])

    assert _expanding(_network(body)) == []


def test_expanding_convolutions_share_the_weights_equally(mobilenet):
    plan = tfdgsu.plan(mobilenet, update_fraction=0.05)
    selected = _selected(plan)
    assert set(selected) == {f"block_{block}_expand" for block in range(7, 17)}
    shares = {name: count / plan.layer(name).n_channels for name, count in selected.items()}
    least_step = {name: 1 / plan.layer(name).n_channels for name in selected}
    for name, share in shares.items():
        assert abs(share - sum(shares.values()) / len(shares)) <= least_step[name]
    # The other layers of these blocks move their biases, which keep nothing.
    assert plan.layer("block_9_depthwise").update_bias
    reasons = {reason.name: reason.reason for reason in plan.reasons}
    assert reasons["block_9_depthwise"] == (
        "bias only: of inverted bottlenecks, the expanding convolutions get the weights"
    )


def test_more_weights_than_the_expanding_convolutions_have_go_by_gain():
    model = _network(lambda x: _block(_block(x, 12, 6, "first"), 18, 6, "second"))
    n_expand = 4 * 12 + 6 * 18
    n_all = n_expand + 9 * 12 + 12 * 6 + 9 * 18 + 18 * 6
    few = tfdgsu.plan(model, update_fraction=0.9 * n_expand / n_all, n_layers=6)
    assert set(_selected(few)) == {"first_expand", "second_expand"}
    many = tfdgsu.plan(model, update_fraction=1.2 * n_expand / n_all, n_layers=6)
    assert set(_selected(many)) - {"first_expand", "second_expand"}
    assert many.update_fraction > n_expand / n_all


def test_biases_of_all_layers_come_before_kernels(mobilenet):
    """A budget has room for kernels only once all biases fit; then they take what is left of it."""
    biases = tfdgsu.plan(mobilenet, update_fraction=0)
    roomy = tfdgsu.plan(mobilenet, update_fraction=0.02)
    n_bytes = [plan.cost.total_bytes for plan in (biases, roomy)]
    for share in (0.0, 0.3, 0.6):
        plan = tfdgsu.plan(mobilenet, ram=round(n_bytes[0] + share * (n_bytes[1] - n_bytes[0])), update_fraction=0.02)
        assert [layer.name for layer in plan.layers] == [layer.name for layer in biases.layers]
        assert bool(_selected(plan)) == (share > 0)
        assert 0 <= len(_selected(plan)) < len(_selected(roomy))
    less = tfdgsu.plan(mobilenet, ram=n_bytes[0] - 10_000, update_fraction=0.02)
    assert 1 < len(less.layers) < len(biases.layers)


def test_without_biases_kernels_alone_decide(mobilenet):
    plan = tfdgsu.plan(mobilenet, update_fraction=0.02, update_bias=False)
    assert set(_selected(plan)) == {f"block_{block}_expand" for block in range(7, 17)}


def test_a_given_gain_decides_alone(mobilenet):
    names = [f"block_{block}_{part}" for block in range(13, 17) for part in ("expand", "depthwise", "project")]
    gain = prior_gain(prepare(mobilenet), names)
    plan = tfdgsu.plan(mobilenet, update_fraction=0.02, gain=gain)
    assert any(name.endswith("_project") for name in _selected(plan))
