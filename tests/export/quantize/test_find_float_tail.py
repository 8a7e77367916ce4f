# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import pytest
from tensorflow.lite.python import schema_py_generated as schema_fb
from tfdgsu.export.ir import Graph, Op, Tensor
from tfdgsu.export.quantize.find_float_tail import border, find_float_tail, op_of_layer

_IMAGE, _ROW = (1, 4, 4, 3), (1, 3)


class _Net:
    """Ops by the names of what they make."""

    def __init__(self):
        self.values = {"x": Tensor("x", _IMAGE)}
        self.ops = {}

    def add(self, kind, name, *inputs, shape=_ROW):
        operands = [self.values.get(i) or Tensor(i, (1,)) for i in inputs]
        self.values[name] = Tensor(name, shape)
        options = schema_fb.Pool2DOptionsT() if "POOL" in kind else None
        self.ops[name] = Op(kind, operands, [self.values[name]], options)
        return self

    def tail(self, *updated):
        """Names of the tail's results, and of what it reads."""
        graph = Graph(list(self.ops.values()), [self.values["x"]], [list(self.values.values())[-1]])
        ops = find_float_tail(graph, [self.ops[name] for name in updated])
        return [op.outputs[0].name for op in ops], [t.name for t in border(graph, ops)]


def _classifier(net, source, pool="MEAN", shape=_ROW):
    net.add(pool, "pool", source, shape=shape)
    return net.add("FULLY_CONNECTED", "dense", "pool").add("SOFTMAX", "output", "dense")


def test_starts_with_the_pooling_in_front_of_the_first_dense_layer_behind_an_update():
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE)
    assert _classifier(net, "conv").tail("conv") == (["pool", "dense", "output"], ["conv"])
    assert net.tail("dense") == (["pool", "dense", "output"], ["conv"])


def test_average_pool_goes_along_if_it_is_global():
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE)
    assert _classifier(net, "conv", "AVERAGE_POOL_2D", (1, 1, 1, 3)).tail("conv")[1] == ["conv"]
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE)
    assert _classifier(net, "conv", "AVERAGE_POOL_2D", (1, 2, 1, 3)).tail("conv")[1] == ["pool"]
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE)
    assert _classifier(net, "conv", "MAX_POOL_2D", (1, 1, 1, 3)).tail("conv")[1] == ["pool"]


def test_chain_of_reshapes_goes_along():
    net = (
        _Net().add("CONV_2D", "conv", "x", shape=_IMAGE).add("MEAN", "mean", "conv").add("SQUEEZE", "squeezed", "mean")
    )
    assert _classifier(net, "squeezed", "RESHAPE").tail("conv")[1] == ["conv"]


def test_pooling_that_feeds_something_else_stays_behind():
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE)
    net.add("MEAN", "pool", "conv").add("LOGISTIC", "gate", "pool").add("FULLY_CONNECTED", "dense", "pool")
    assert net.add("ADD", "output", "dense", "gate").tail("conv") == (["dense", "output"], ["pool", "gate"])


def test_frozen_dense_layer_in_front_of_the_updates_is_no_tail():
    net = _Net().add("FULLY_CONNECTED", "early", "x").add("RESHAPE", "image", "early", shape=_IMAGE)
    net.add("CONV_2D", "conv", "image", shape=_IMAGE)
    assert _classifier(net, "conv").tail("conv")[1] == ["conv"]


def test_everything_behind_a_dense_layer_is_tail():
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE).add("MEAN", "mean", "conv")
    net.add("FULLY_CONNECTED", "gate", "mean").add("MUL", "gated", "conv", "gate", shape=_IMAGE)
    net.add("CONV_2D", "last", "gated", shape=_IMAGE)
    tail, reads = _classifier(net, "last").tail("conv")
    assert tail == ["mean", "gate", "gated", "last", "pool", "dense", "output"]
    assert reads == ["conv"]


def test_without_dense_layer_the_last_convolution_takes_its_place():
    net = _Net().add("CONV_2D", "deep", "x", shape=_IMAGE).add("CONV_2D", "conv", "deep", shape=_IMAGE)
    net.add("MEAN", "logits", "conv").add("LOGISTIC", "output", "logits")
    assert net.tail("deep") == (["conv", "logits", "output"], ["deep"])
    assert net.tail("conv") == (["conv", "logits", "output"], ["deep"])


def test_without_updates_the_final_activation_and_its_pooling_are_tail():
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE).add("MEAN", "logits", "conv")
    assert net.add("LOGISTIC", "output", "logits").tail() == (["logits", "output"], ["conv"])


def test_without_updates_and_activation_the_output_is_dequantized():
    net = _Net().add("CONV_2D", "conv", "x", shape=_IMAGE).add("MAX_POOL_2D", "output", "conv", shape=_IMAGE)
    assert net.tail() == ([], ["output"])


def test_input_of_a_dense_network_is_all_that_is_int8():
    net = _Net().add("RESHAPE", "flat", "x").add("FULLY_CONNECTED", "dense", "flat")
    assert net.tail("dense") == (["flat", "dense"], ["x"])


def test_update_layer_is_found_by_its_weights():
    net = _Net().add("CONV_2D", "a", "x", "conv/kernel_1", "conv/bias").add("CONV_2D", "b", "a", "conv_1/kernel")
    graph = Graph(list(net.ops.values()), [net.values["x"]], [net.values["b"]])
    assert op_of_layer(graph, "conv") is net.ops["a"]
    assert op_of_layer(graph, "conv_1") is net.ops["b"]
    with pytest.raises(ValueError, match="no op with the weights of 'dense'"):
        op_of_layer(graph, "dense")
