# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs for every custom op on edge shapes: the same cases run in TFLM and under sanitizers."""

import numpy as np
from conv_block_cases import all_conv_block_cases
from conv_block_grad_cases import all_conv_block_grad_cases
from denormal_cases import all_denormal_cases
from int8_op_cases import all_int8_cases
from op_case import CHANNELS, DEPTHWISE_WINDOWS, WINDOWS, Case
from tfdgsu.export.ops.custom import REGISTRY, LossOp

_rng = np.random.default_rng(20260203)
_START = _rng.bit_generator.state


def floats(*shape):
    return _rng.standard_normal(shape).astype(np.float32)


def flag(value=1):
    return np.array([value], np.int32)


def rate(value=0.125):
    return np.array([value], np.float32)


def bits(n):
    return _rng.integers(0, 256, (n + 7) // 8, np.uint8)


def channels(k, n):
    return _rng.permutation(n)[:k].astype(np.int32)


def all_cases():
    """Every case of every op; the same at every call."""
    _rng.bit_generator.state = _START
    makers = (
        _convolutions,
        _fully_connected,
        _bias,
        _channels,
        _masks,
        _pools,
        _reductions,
        _elementwise,
        _losses,
        _state,
        _layer_rates,
        _depthwise_parts,
    )
    own = [case for maker in makers for case in maker()]
    return own + all_int8_cases() + all_conv_block_cases() + all_conv_block_grad_cases() + all_denormal_cases()


def is_exact(name):
    """Do device and reference agree bit for bit? What an int8 gradient follows from must: an update makes a unit of a bit."""
    is_integer = name.endswith(("Int8", "Int32")) or name.startswith("TfdgsuConvBlock")
    is_float_tail = name.startswith("TfdgsuFullyConnected") or name in ("TfdgsuBiasGrad", "TfdgsuMeanGrad")
    is_state = name == "TfdgsuLayerRate"
    return is_integer or is_float_tail or is_state or issubclass(REGISTRY[name], LossOp)


def _epilogues(n):
    """(tag, addend, bits, mask_alpha) of every combination."""
    yield "plain", None, None, 0.0
    yield "addend", floats(n), None, 0.0
    yield "bits", None, bits(n), 0.0
    yield "both", floats(n), bits(n), 0.25


def _optimizers(slice_shape):
    """(tag, velocity, options) of plain SGD, momentum and Nesterov momentum."""
    yield "sgd", None, {"momentum": 0.0, "nesterov": 0}
    yield "momentum", floats(*slice_shape), {"momentum": 0.75, "nesterov": 0}
    yield "nesterov", floats(*slice_shape), {"momentum": 0.75, "nesterov": 1}


def _convolutions():
    for tag, window in WINDOWS.items():
        yield from _conv_grad_inputs(tag, window, 5, 3)
        yield from _conv_grad_filters(tag, window, 5, 6, 3)
        yield from _depthwise(tag, window, 5, 3, 1 + len(tag) % 2)
    for c in CHANNELS:
        yield from _conv_grad_inputs(f"c{c}", WINDOWS["same3"], c, 4)
        yield from _conv_grad_filters(f"o{c}", WINDOWS["same3"], 9, c, 9)
        yield from _conv_grad_inputs(f"pointwise{c}", WINDOWS["1x1"], c, 5)
        yield from _conv_grad_filters(f"pointwise{c}", WINDOWS["1x1"], c, 5 + c, c)
        yield from _conv_grad_filters(f"pointwise{c}_k4", WINDOWS["1x1"], c + 4, 5 + c, 4)
        for k in {1, c}:
            yield from _conv_grad_filters(f"c{c}_k{k}", WINDOWS["same3_stride2"], c, 3, k)
            yield from _depthwise(f"c{c}_k{k}", WINDOWS["same3_stride2"], c, k, 2)


def _conv_grad_inputs(tag, window, c, o):
    dy, w = floats(window.batch, *window.output, o), floats(o, *window.filter, c)
    shape = (window.batch, *window.image, c)
    for end, addend, mask, alpha in _epilogues(int(np.prod(shape))):
        addend = None if addend is None else addend.reshape(shape)
        options = {**window.options, "mask_alpha": alpha}
        inputs = [flag(), dy, w, addend, mask]
        yield Case(f"conv_input-{tag}-{end}", "TfdgsuConv2DGradInput", inputs, options, [floats(*shape)])


def _conv_grad_filters(tag, window, c, o, k):
    x, dy = floats(window.batch, *window.image, k), floats(window.batch, *window.output, o)
    selected = None if k == c else channels(k, c)
    for end, velocity, sgd in _optimizers((o, *window.filter, k)):
        w = floats(o, *window.filter, c)
        inputs = [flag(), rate(), x, dy, selected, w, velocity]
        yield Case(f"conv_filter-{tag}-{end}", "TfdgsuConv2DGradFilter", inputs, {**window.options, **sgd}, [])


def _depthwise(tag, window, c, k, m):
    dy, w = floats(window.batch, *window.output, c * m), floats(1, *window.filter, c * m)
    shape = (window.batch, *window.image, c)
    for end, addend, mask, alpha in _epilogues(int(np.prod(shape))):
        addend = None if addend is None else addend.reshape(shape)
        options = {**window.options, "mask_alpha": alpha}
        inputs = [flag(), dy, w, addend, mask]
        yield Case(f"depthwise_input-{tag}-{end}", "TfdgsuDepthwiseConv2DGradInput", inputs, options, [floats(*shape)])
    x = floats(window.batch, *window.image, k)
    selected = None if k == c else channels(k, c)
    for end, velocity, sgd in _optimizers((1, *window.filter, k * m)):
        inputs = [flag(), rate(), x, dy, selected, w.copy(), velocity]
        options = {**window.options, **sgd, "depth_multiplier": m}
        yield Case(f"depthwise_filter-{tag}-{end}", "TfdgsuDepthwiseConv2DGradFilter", inputs, options, [])


def _depthwise_parts():
    for i, (tag, window) in enumerate(DEPTHWISE_WINDOWS.items()):
        yield from _depthwise(tag, window, 4 + i % 5, 1 + i % 5 if i % 2 else 4 + i % 5, 1)
    for c in CHANNELS:
        yield from _depthwise(f"c{c}_k{c}_single", WINDOWS["same3"], c, c, 1)


def _fully_connected():
    for b, i, o, k in ((1, 1, 1, 1), (1, 5, 3, 2), (2, 16, 4, 16), (3, 17, 10, 5), (1, 33, 7, 33)):
        tag, dy, w = f"b{b}i{i}o{o}k{k}", floats(b, o), floats(o, i)
        for end, addend, mask, alpha in _epilogues(b * i):
            inputs = [flag(), dy, w, addend, mask]
            outputs = [floats(b, i, 1)]
            options = {"mask_alpha": alpha}
            yield Case(f"fc_input-{tag}-{end}", "TfdgsuFullyConnectedGradInput", inputs, options, outputs)
        selected = None if k == i else channels(k, i)
        for end, velocity, sgd in _optimizers((o, k)):
            inputs = [flag(), rate(), floats(b, k), dy, selected, w.copy(), velocity]
            yield Case(f"fc_filter-{tag}-{end}", "TfdgsuFullyConnectedGradFilter", inputs, sgd, [])


def _bias():
    for c in CHANNELS:
        for end, velocity, sgd in _optimizers((c,)):
            inputs = [flag(), rate(), floats(2, 3, c), floats(c), velocity]
            yield Case(f"bias-c{c}-{end}", "TfdgsuBiasGrad", inputs, sgd, [])


def _channels():
    for n, k in ((1, 1), (5, 3), (8, 1), (33, 32), (64, 64), (257, 20)):
        x = floats(2, 3, n)
        inputs = [flag(), x, channels(k, n), None]
        yield Case(f"gather-{n}-{k}", "TfdgsuGatherChannels", inputs, {}, [floats(2, 3, k)])
        for policy in (1, 2):
            for step in (0, 6, 7, 7000, 2**31 - 2):
                options = {"policy": policy, "period_steps": 7, "seed": 0xFEDCBA98, "layer_id": 3, "n_channels": n}
                inputs = [flag(), flag(step), np.full(k, 0, np.int32), floats(4) if step else None]
                yield Case(f"select-{n}-{k}-{policy}-{step}", "TfdgsuSelectChannels", inputs, options, [])


def _masks():
    for n in (1, 7, 8, 9, 31):
        y = np.where(_rng.random(n) < 0.3, 0.0, 4 * _rng.standard_normal(n) + 2).astype(np.float32)
        for high in (6.0, float("inf")):
            yield Case(f"relu_mask-{n}-{high}", "TfdgsuReluMask", [flag(), y], {"low": 0.0, "high": high}, [bits(n)])
        inputs = [flag(), floats(1, n), bits(n)]
        yield Case(f"apply_mask-{n}", "TfdgsuApplyMask", inputs, {"mask_alpha": 0.1}, [floats(1, n)])


def _pools():
    for tag, window in WINDOWS.items():
        for c in (1, 5):
            options = {"filter_h": window.filter[0], "filter_w": window.filter[1], **window.options}
            # Few distinct values, so that there are ties.
            x = _rng.integers(-2, 3, (window.batch, *window.image, c)).astype(np.float32)
            dy = floats(window.batch, *window.output, c)
            argmax = np.zeros(dy.shape, np.uint8)
            yield Case(f"argmax-{tag}-{c}", "TfdgsuMaxPool2DArgmax", [flag(), x], options, [argmax])
            outputs = [floats(*x.shape)]
            yield Case(f"average_pool-{tag}-{c}", "TfdgsuAveragePool2DGrad", [flag(), dy], options, outputs)
            center = options["pad_top"] * window.filter[1] + options["pad_left"]
            inputs = [flag(), dy, np.full(dy.shape, center, np.uint8)]
            yield Case(f"max_pool-{tag}-{c}", "TfdgsuMaxPool2DGrad", inputs, options, [floats(*x.shape)])


def _reductions():
    for outer, reduced, inner in ((1, 1, 1), (2, 6, 5), (3, 4, 1), (1, 49, 3)):
        options = {"outer": outer, "reduced": reduced, "inner": inner}
        tag, full, kept = f"{outer}-{reduced}-{inner}", (outer, reduced, inner), (outer, inner)
        dy, x = floats(*kept), _rng.integers(-2, 3, full).astype(np.float32)
        n = x.size
        for end, addend, mask, alpha in _epilogues(n):
            inputs = [flag(), dy, addend, mask]
            yield Case(f"mean-{tag}-{end}", "TfdgsuMeanGrad", inputs, {**options, "mask_alpha": alpha}, [floats(*full)])
        inputs = [flag(), x, x.max(axis=1)]
        yield Case(f"max_mask-{tag}", "TfdgsuReduceMaxMask", inputs, options, [bits(n)])
        yield Case(f"max_grad-{tag}", "TfdgsuReduceMaxGrad", [flag(), dy, bits(n)], options, [floats(*full)])


def _elementwise():
    for rows, c in ((1, 1), (2, 5), (3, 16)):
        tag, dy = f"{rows}-{c}", floats(rows, c)
        y = np.exp(floats(rows, c))
        y = y / y.sum(axis=-1, keepdims=True)
        yield Case(f"softmax-{tag}", "TfdgsuSoftmaxGrad", [flag(), y, dy], {}, [floats(rows, c)])
        yield Case(f"logistic-{tag}", "TfdgsuLogisticGrad", [flag(), y, dy], {}, [floats(rows, c)])
        yield Case(f"add-{tag}", "TfdgsuAddGradients", [flag(), dy, floats(rows, c)], {}, [floats(rows, c)])
        for n in {1, c}:
            yield Case(f"mul-{tag}-{n}", "TfdgsuMulGrad", [flag(), dy, floats(n)], {}, [floats(rows, c)])
    boxes = (((1, 5, 6, 3), (0, 1, 2, 1), (1, 3, 2, 2)), ((2, 3, 1, 4), (0, 0, 0, 0), (2, 3, 1, 4)))
    for extent, begin, size in boxes:
        options = {
            f"{what}_{a}": v[a] for what, v in (("in", extent), ("begin", begin), ("size", size)) for a in range(4)
        }
        yield Case(f"slice-{extent}", "TfdgsuSlice", [flag(), floats(*extent)], options, [floats(*size)])


def _losses():
    for b, c in ((1, 2), (3, 10), (2, 1)):
        logits = 3 * floats(b, c)
        p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        p[0, 0] = 1e-9  # below Keras' epsilon
        onehot = np.eye(c, dtype=np.float32)[_rng.integers(0, c, b)]
        for from_logits, y in ((0, p), (1, logits)):
            tag, outputs, options = f"{b}-{c}-{from_logits}", [rate(), floats(b, c)], {"from_logits": from_logits}
            classes = _rng.integers(0, c, b).astype(np.int32)
            name = "TfdgsuSparseCategoricalCrossentropy"
            yield Case(f"sparse-{tag}", name, [flag(), y, classes], options, outputs)
            yield Case(f"categorical-{tag}", "TfdgsuCategoricalCrossentropy", [flag(), y, onehot], options, outputs)
            yield Case(f"binary-{tag}", "TfdgsuBinaryCrossentropy", [flag(), y, onehot], options, outputs)
        yield Case(f"mse-{b}-{c}", "TfdgsuMeanSquaredError", [flag(), logits, onehot], {}, [rate(), floats(b, c)])


def _state():
    for step in (0, 41, 2**31 - 1):
        yield Case(f"advance-{step}", "TfdgsuAdvanceStep", [flag(), flag(step)], {}, [])


def _layer_rates():
    """Around runs of 256; states {s, rate} before the first step, behind it, and where nothing is to be found."""
    options = {"beta": 0.99, "fresh_fraction": 0.0019, "size": 0.013}
    states = {"first": (0.0, 0.0), "second": (0.0, 0.25), "later": (2.0, 0.001), "stopped": (2.0, 0.0)}
    for i, shape in enumerate(
        ((1, 1, 1, 1), (5, 1, 1, 7), (1, 3, 3, 17), (17, 3, 3, 5), (16, 1, 1, 16), (257, 1, 1, 3))
    ):
        for tag, state in states.items():
            rates = floats(3, 2)
            rates[i % 3] = state
            inputs = [flag(), rate(), floats(*shape), rates]
            name = f"layer_rate-{'x'.join(map(str, shape))}-{tag}"
            yield Case(name, "TfdgsuLayerRate", inputs, {"row": i % 3, **options}, [rate()])
    small = floats(3, 1, 1, 5)
    odd = {"cleared": 0 * small, "denormal": small * np.float32(1e-40), "infinite": small * np.float32(1e38)}
    for tag, velocity in {**odd, "nan": np.where(small > 0, small, np.nan).astype(np.float32)}.items():
        for state in ((0.0, 1e-5), (1e-30, 2.0)):
            inputs = [flag(), rate(), velocity, np.array([state], np.float32)]
            yield Case(f"layer_rate-{tag}-{state[0]}", "TfdgsuLayerRate", inputs, {"row": 0, **options}, [rate()])
