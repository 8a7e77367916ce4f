# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Backward passes of inverted residual blocks as one op: on hand-made graphs, and as whole bundles in TFLM."""

import numpy as np
import pytest
from keras import Input, Model, layers
from keras.utils import set_random_seed
from optimizers import make_optimizer
from tfdgsu.export.gradients import custom_op
from tfdgsu.export.ir import Graph, Tensor
from tfdgsu.export.ir.verify import WEIGHTS_PASSED, GraphError, verify
from tfdgsu.export.ops.custom import REGISTRY, TensorSpec
from tfdgsu.export.ops.custom.conv_block_grad import POINTWISE
from tfdgsu.export.passes import fuse_conv_block_gradients
from tfdgsu.export.passes.fuse_conv_block_gradients import KIND

import tfdgsu

SAME3 = {"stride_h": 1, "stride_w": 1, "pad_top": 1, "pad_left": 1}
SGD_OPTIONS = {"momentum": 0.0, "nesterov": 0, "rounding": 1, "seed": 3}
SIDE, C, M, P = 8, 6, 48, 5


class _Chain:
    """A backward pass by hand; every part can be changed before `graph` puts it together."""

    def __init__(self, m=M, stride=1):
        out = SIDE // stride
        self.train, self.step = Tensor("train", (1,), "int32", is_variable=True), _variable("step", (1,), "int32")
        self.lr, self.dy = Tensor("lr", (1,)), Tensor("dy", (1, out, out, P))
        self.project_w, self.depthwise_w = _weights("project_w", (P, 1, 1, m)), _weights("depthwise_w", (1, 3, 3, m))
        self.conv_w, self.x = _variable("conv_w", (m, 1, 1, C), "int8"), Tensor("x", (1, SIDE, SIDE, C), "int8")
        self.wide_out, self.wide = Tensor("wide_out", (1, out, out, m)), Tensor("wide", (1, SIDE, SIDE, m))
        self.dx, self.bits = Tensor("dx", (1, SIDE, SIDE, C)), Tensor("bits", (out * out * m // 8,), "uint8")
        self.window = {**SAME3, "stride_h": stride, "stride_w": stride}
        self.outputs, self.m = [self.dx], m

    def project(self):
        return self._passed("TfdgsuConv2DGradInputInt8", self.dy, self.project_w, self.wide_out, POINTWISE, self.bits)

    def project_update(self):
        x_sel = Tensor("project_x", (*self.wide_out.shape[:3], self.m), "int8")
        return self._filter("TfdgsuConv2DGradFilterInt8", x_sel, self.dy, self.project_w, POINTWISE, layer_id=9)

    def depthwise(self):
        return self._passed(
            "TfdgsuDepthwiseConv2DGradInputInt8", self.wide_out, self.depthwise_w, self.wide, self.window
        )

    def depthwise_bias(self, name="depthwise_bias"):
        return self._bias(name, self.wide_out, layer_id=1)

    def depthwise_filter(self, **changes):
        x_sel = Tensor("depthwise_x", self.wide.shape, "int8")
        kind, window = "TfdgsuDepthwiseConv2DGradFilterInt8", {**self.window, "depth_multiplier": 1, **changes}
        return self._filter(kind, x_sel, self.wide_out, self.depthwise_w, window, layer_id=1)

    def conv(self, addend=None):
        return self._passed("TfdgsuConv2DGradInputInt8", self.wide, self.conv_w, self.dx, POINTWISE, addend=addend)

    def conv_filter(self, **changes):
        options = {**POINTWISE, **changes}
        return self._filter("TfdgsuConv2DGradFilterInt8", self.x, self.wide, self.conv_w, options, layer_id=2)

    def conv_bias(self):
        return self._bias("conv_bias", self.wide, layer_id=2)

    def graph(self, *ops):
        made = {id(t) for op in ops for t in op.outputs}
        read = {id(t): t for op in ops for t in op.inputs if t is not None and id(t) not in made}
        outputs = [t for t in self.outputs if id(t) in made]
        return Graph(list(ops), [t for t in read.values() if t.data is None], outputs)

    def fuse(self, *ops):
        """The kinds of ops after the pass, and the graph, which must be valid."""
        graph = self.graph(*ops)
        graph.make_names_unique()
        verify(graph, "test")
        fuse_conv_block_gradients.run(graph)
        verify(graph, "fuse_conv_block_gradients")
        for op in graph.ops:
            inputs, outputs = ([t and TensorSpec(t.shape, t.dtype) for t in part] for part in (op.inputs, op.outputs))
            REGISTRY[op.kind].check(inputs, outputs, op.options)
        return [op.kind.removeprefix("Tfdgsu") for op in graph.ops], graph

    def _passed(self, kind, dy, w, dx, window, bits=None, addend=None):
        scales = _scales(w, dy.shape[3])
        overlay = [] if "Depthwise" in kind else [None, None]
        inputs = [self.train, dy, w, scales, addend, bits, *overlay]
        return custom_op(kind, inputs, [dx], {**window, "mask_alpha": 0.0})

    def _filter(self, kind, x_sel, dy, w, window, layer_id):
        w.is_variable, w.data = True, None
        own = {**SGD_OPTIONS, "x_scale": 0.5, "x_zero_point": -4, "layer_id": layer_id}
        inputs = [self.train, self.lr, x_sel, dy, None, w, _scales(w, dy.shape[3]), None, None, self.step]
        return custom_op(kind, inputs, [], {**own, **window})

    def _bias(self, name, dy, layer_id):
        b = _variable(name, dy.shape[3:], "int32")
        inputs = [self.train, self.lr, dy, b, _scales(b, dy.shape[3]), None, self.step]
        return custom_op("TfdgsuBiasGradInt32", inputs, [], {**SGD_OPTIONS, "layer_id": layer_id})


def _variable(name, shape, dtype):
    return Tensor(name, shape, dtype, is_variable=True)


def _weights(name, shape):
    return Tensor(name, shape, "int8", np.zeros(shape, np.int8))


def _scales(of, n):
    return Tensor(f"{of.name}/scales", (n,), "float32", np.ones(n, np.float32))


def _named(op):
    return dict(zip([operand.name for operand in REGISTRY[op.kind].INPUTS], op.inputs, strict=True))


@pytest.mark.parametrize("stride", [1, 2])
def test_whole_chain_becomes_one_op_before_the_projections_own_update(stride):
    c = _Chain(stride=stride)
    ops = [c.project(), c.project_update(), c.depthwise(), c.depthwise_filter(), c.depthwise_bias()]
    kinds, graph = c.fuse(*ops, c.conv(), c.conv_filter(), c.conv_bias())
    assert kinds == ["ConvBlockGrad", "Conv2DGradFilterInt8"]
    block = graph.ops[0]
    named = _named(block)
    assert named["depthwise_bits"] is c.bits and named["conv_bits"] is None and named["conv_x_sel"] is c.x
    assert {t.name for t in block.mutates} == {"conv_w", "conv_bias", "depthwise_w", "depthwise_bias"}
    assert block.outputs == [c.dx]
    expected = {**c.window, **SGD_OPTIONS, "in_h": SIDE, "in_w": SIDE, "has_dx": 1, "conv_layer_id": 2}
    expected |= {"depthwise_layer_id": 1, "trains_conv": 1, "trains_depthwise": 1, "conv_x_scale": 0.5}
    assert expected.items() <= block.options.items()
    assert block.options["tile_channels"] == 8


@pytest.mark.parametrize(
    ("names", "wide"),
    [
        (("depthwise", "conv"), 2),
        (("depthwise", "conv_filter"), 2),
        (("depthwise", "conv_bias"), 2),
        (("depthwise", "depthwise_filter", "conv_bias"), 2),
        (("depthwise_filter",), 1),
        (("depthwise_bias",), 1),
    ],
)
def test_chain_ends_anywhere(names, wide):
    c = _Chain()
    ops = [c.project(), *(getattr(c, name)() for name in names)]
    kinds, graph = c.fuse(*ops)
    assert kinds == ["ConvBlockGrad"]
    gone = {"wide_out", "wide"} if wide == 2 else {"wide_out"}
    assert not gone & {t.name for t in graph.tensors()}


def test_residual_gradient_is_the_addend():
    c = _Chain()
    c.dy.shape = c.dx.shape
    c.project_w = _weights("project_w", (C, 1, 1, M))
    kinds, graph = c.fuse(c.project(), c.depthwise(), c.conv(addend=c.dy))
    assert kinds == ["ConvBlockGrad"]
    assert _named(graph.ops[0])["addend"] is c.dy


def _stays(c, *ops):
    kinds, _ = c.fuse(*ops)
    return "ConvBlockGrad" not in kinds and len(kinds) == len(ops)


def test_chain_stays_where_a_gradient_has_another_reader():
    c = _Chain()
    other = custom_op("TfdgsuLogisticGrad", [c.train, c.wide, c.wide], [Tensor("other", c.wide.shape)], {})
    assert _stays(c, c.project(), c.depthwise(), c.conv(), other)
    c = _Chain()
    assert _stays(c, c.project(), c.depthwise_bias(), c.depthwise_bias("twice"), c.depthwise(), c.conv())
    c = _Chain()
    c.outputs.append(c.wide)
    assert _stays(c, c.project(), c.depthwise(), c.conv())


def test_large_images_have_smaller_tiles(monkeypatch):
    monkeypatch.setattr(fuse_conv_block_gradients, "SCRATCH_BYTES", 8 * 4 * 2 * SIDE**2 - 1)
    c = _Chain()
    _, graph = c.fuse(c.project(), c.depthwise(), c.conv())
    assert graph.ops[0].options["tile_channels"] == 4


def test_chain_stays_where_it_saves_nothing():
    c = _Chain(m=8)
    assert _stays(c, c.project(), c.depthwise(), c.conv())


def test_chain_stays_with_a_depth_multiplier():
    c = _Chain()
    c.wide.shape = (1, SIDE, SIDE, M // 2)
    c.conv_w.shape = (M // 2, 1, 1, C)
    assert _stays(c, c.project(), c.depthwise(), c.conv())


def test_chain_stays_behind_a_convolution_of_3x3():
    c = _Chain()
    c.conv_w.shape = (M, 3, 3, C)
    conv = c.conv()
    conv.options = {**conv.options, **SAME3}
    assert _stays(c, c.project(), c.depthwise(), conv)


def test_chain_stays_where_an_op_in_between_touches_what_it_updates():
    c = _Chain()
    update = c.depthwise_bias()
    same_bias = custom_op(
        update.kind, [*update.inputs[:2], Tensor("else", (1, M)), *update.inputs[3:]], [], update.options
    )
    assert _stays(c, c.project(), same_bias, c.depthwise(), update, c.conv())
    assert not _stays(c, c.project(), c.depthwise(), update, c.conv(), same_bias)


def test_chain_stays_where_an_operand_is_made_later():
    late, source = (Tensor(name, (1, SIDE, SIDE, C)) for name in ("late", "source"))
    maker = custom_op("TfdgsuLogisticGrad", [_Chain().train, source, source], [late], {})
    c = _Chain()
    assert _stays(c, c.project(), c.depthwise(), maker, c.conv(addend=late))
    assert not _stays(c, maker, c.project(), c.depthwise(), c.conv(addend=late))


@pytest.mark.parametrize("changes", [{"seed": 4}, {"rounding": 0}, {"nesterov": 1}])
def test_chain_stays_with_updates_of_different_kinds(changes):
    c = _Chain()
    assert _stays(c, c.project(), c.depthwise(), c.conv_filter(**changes), c.conv_bias())


def test_filters_may_have_rates_of_their_own_and_biases_share_one():
    c, own = _Chain(), [Tensor(f"rate_{i}", (1,)) for i in range(2)]
    updates = [c.depthwise_filter(), c.conv_filter(), c.depthwise_bias(), c.conv_bias()]
    for update, rate in zip(updates, own):
        update.inputs[1] = rate
    kinds, graph = c.fuse(c.project(), c.depthwise(), *updates)
    assert kinds == ["ConvBlockGrad"]
    named = _named(graph.ops[0])
    assert (named["lr"], named["depthwise_rate"], named["conv_rate"]) == (c.lr, *own)
    c = _Chain()
    other = c.conv_bias()
    other.inputs[1] = own[0]
    assert _stays(c, c.project(), c.depthwise(), c.depthwise_bias(), other)


def test_verifier_knows_where_the_fused_op_has_its_weights():
    names = [operand.name for operand in REGISTRY[KIND].INPUTS]
    assert [names[i] for i in WEIGHTS_PASSED[KIND]] == [
        "project_w",
        "depthwise_w",
        "conv_w",
        "overlay",
        "project_overlay",
    ]


def test_fused_op_may_not_read_weights_after_their_update():
    c = _Chain()
    _, graph = c.fuse(c.project(), c.project_update(), c.project_update(), c.depthwise(), c.conv())
    graph.ops.reverse()
    with pytest.raises(GraphError, match="after its update"):
        verify(graph, "test")


IMAGE = (16, 16, 3)
EXAMPLES = np.random.default_rng(0).uniform(-1, 1, (32, *IMAGE)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 4, 50).astype(np.int32)


def _block(y, name, stride, n_out):
    z = layers.ReLU(6.0)(layers.Conv2D(6 * y.shape[-1], 1, name=f"{name}_expand")(y))
    z = z if stride == 1 else layers.ZeroPadding2D(1)(z)
    padding = "same" if stride == 1 else "valid"
    z = layers.DepthwiseConv2D(3, strides=stride, padding=padding, name=f"{name}_depthwise")(z)
    z = layers.Conv2D(n_out, 1, name=f"{name}_project")(layers.ReLU(6.0)(z))
    return layers.Add()([y, z]) if z.shape == y.shape else z


def _net():
    set_random_seed(0)
    x = Input(IMAGE)
    y = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="stem")(x)
    y = _block(_block(_block(y, "a", 1, 8), "b", 2, 12), "c", 1, 12)
    return Model(x, layers.Dense(4, activation="softmax", name="head")(layers.GlobalAveragePooling2D()(y)))


PLANS = {
    "all": {f"{b}_{part}": 5 for b in "abc" for part in ("expand", "depthwise", "project")},
    "whole_kernels": {"a_expand": 8, "a_depthwise": 48, "b_depthwise": 48, "c_expand": 12, "c_project": 72},
    "biases": {"a_depthwise": 0, "b_expand": 0, "c_project": 7},
    "deepest_depthwise": {"a_depthwise": 9, "b_project": 6, "c_expand": 4},
}


@pytest.mark.parametrize(
    ("plan", "rounding", "momentum"),
    [
        *zip(PLANS, ["stochastic", "remainder"] * 2, [0.5, 0.0] * 2),
        ("all", "remainder", "lars"),
        ("biases", "stochastic", "lars"),
    ],
)
def test_bundle_trains_to_the_same_variables_in_less_memory(tmp_path, monkeypatch, plan, rounding, momentum):
    model = _net()
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=PLANS[plan] | {"head": 12}, train_head=False))
    sparse.compile(make_optimizer(0.1, momentum), loss="sparse_categorical_crossentropy")

    def train(name):
        how = {"quantize": "int8", "representative_data": EXAMPLES, "rounding": rounding}
        if any(layer.is_sparse for layer in sparse.plan.layers):
            how["callback"] = tfdgsu.DynamicSparseCallback(policy="random", every=7)
        report = tfdgsu.export.export_training_bundle(sparse, tmp_path / name, **how)
        device = tfdgsu.micro_runtime.Session(tmp_path / name)
        factory = device.variables()
        for i, label in enumerate(LABELS):
            device.train(EXAMPLES[i % 32][None], label[None], learning_rate=0.1)
        arena = device.arena_report()
        assert arena.total_bytes == arena.predicted_bytes
        return report.graph_text.count(f"{KIND}("), factory, device.variables(), arena.total_bytes

    n_fused, factory, fused, arena_bytes = train("fused.tflite")
    monkeypatch.setattr(fuse_conv_block_gradients, "run", lambda graph: graph)
    n_separate, _, separate, separate_arena_bytes = train("separate.tflite")
    assert (n_fused, n_separate) == (3, 0)
    assert fused.keys() == separate.keys()
    for name, values in fused.items():
        np.testing.assert_array_equal(values, separate[name], err_msg=name)
    moved = {name.removesuffix("/remainder") for name in fused if not np.array_equal(fused[name], factory[name])}
    assert {name for name in fused if name.endswith(("/kernel", "/bias"))} <= moved
    assert arena_bytes < separate_arena_bytes
