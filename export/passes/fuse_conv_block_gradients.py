# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Makes one op of the backward pass of each chain conv 1x1 -> depthwise -> conv 1x1 of int8 layers.

The gradients of the expanded channels, twice the largest there are, then exist for a few channels at a time. Bit for
bit the same step: see `TfdgsuConvBlockGrad`. Chains stay as they are where one op would need more memory, and where
something else reads a gradient in between.
"""

from __future__ import annotations

import itertools

from ..gradients import custom_op
from ..ir import Graph, Op, Tensor
from ..ops.custom import REGISTRY
from ..ops.custom.conv_block_grad import LAYERS
from .gradient_chain import SHARED_OPTIONS, GradientChain, find_chain, operands

KIND = "TfdgsuConvBlockGrad"
# Kernels sum 8 channels together: larger tiles are no faster. Tiles of 4, as fast as separate ops, are for images
# so large that their scratch memory counts.
TILE_CHANNELS, SMALL_TILE_CHANNELS = 8, 4
SCRATCH_BYTES = 8192
_WINDOW = ("stride_h", "stride_w", "pad_top", "pad_left")
_UNUSED = {"nesterov": 0, "rounding": 0, "seed": 0, "layer_id": 0, "x_scale": 1.0, "x_zero_point": 0}


def run(graph: Graph) -> Graph:
    """Fuses what can be fused, from the loss downwards; returns the graph."""
    for op in list(graph.ops):
        chain = find_chain(graph, op) if any(op is present for present in graph.ops) else None
        if chain is None:
            continue
        block = _make_block(chain)
        if _block_bytes(block) < _chain_bytes(chain):
            graph.ops[graph.index(chain.project)] = block
            graph.ops = [op for op in graph.ops if not any(op is own for own in chain.ops)]
    return graph


def _make_block(chain: GradientChain) -> Op:
    inputs = _inputs(chain)
    options = _options(chain, inputs)
    outputs = [] if chain.conv is None else chain.conv.outputs
    options["tile_channels"] = _tile_channels(inputs, options)
    return custom_op(KIND, _in_order(inputs), outputs, options)


def _in_order(values: dict) -> list:
    """A value for each of the block's operands, None for those without."""
    return [values.get(operand.name) for operand in REGISTRY[KIND].INPUTS]


def _inputs(chain: GradientChain) -> dict[str, Tensor | None]:
    """The block's operands by name; those that are not named are absent."""
    project, end = operands(chain.project), operands(chain.conv)
    inputs = {"train": project["train"], "dy": project["dy"], "project_w": project["w"]}
    inputs |= {"project_scales": project["scales"], "depthwise_bits": project["bits"]}
    inputs |= {"conv_bits": operands(chain.depthwise).get("bits"), "addend": end.get("addend"), "bits": end.get("bits")}
    biases = [op for op in (chain.depthwise_bias, chain.conv_bias) if op is not None]
    for update in (biases or chain.updates)[:1]:  # Only filters may have a rate of their own.
        inputs |= {name: operands(update)[name] for name in ("lr", "step")}
    for name in ("overlay", "overlay_channels"):
        inputs |= {name: end.get(name), f"project_{name}": project[name]}
    for layer, passed, bias, kernel in _layers(chain):
        # With an overlay the filter that is updated is another one than the gradient passes.
        for op in (kernel, passed):
            if op is not None:
                inputs |= {f"{layer}_{name}": operands(op)[name] for name in ("w", "scales")}
        if kernel is not None:
            names = ("x_sel", "channels", "velocity", "remainder")
            inputs |= {f"{layer}_{name}": operands(kernel)[name] for name in names}
            rate = operands(kernel)["lr"]
            inputs[f"{layer}_rate"] = None if rate is inputs["lr"] else rate
        if bias is not None:
            b = operands(bias)
            inputs |= {f"{layer}_bias": b["b"], f"{layer}_bias_scales": b["scales"]}
            inputs[f"{layer}_bias_velocity"] = b["velocity"]
    return inputs


def _layers(chain: GradientChain):
    """(name, input gradient, bias update, filter update) of both layers that may be trained."""
    yield LAYERS[0], chain.depthwise, chain.depthwise_bias, chain.depthwise_filter
    yield LAYERS[1], chain.conv, chain.conv_bias, chain.conv_filter


def _options(chain: GradientChain, inputs: dict[str, Tensor | None]) -> dict:
    merged = dict(_UNUSED)
    for update in chain.updates:
        merged |= update.options
    options = {name: merged[name] for name in SHARED_OPTIONS}
    options |= _window(chain, inputs["dy"])
    options |= {
        "depthwise_mask_alpha": chain.project.options["mask_alpha"],
        "conv_mask_alpha": 0.0 if chain.depthwise is None else chain.depthwise.options["mask_alpha"],
        "mask_alpha": 0.0 if chain.conv is None else chain.conv.options["mask_alpha"],
        "has_dx": int(chain.conv is not None),
        "has_overlay": int(inputs["overlay"] is not None),
        "momentum": _momentum(chain.depthwise_filter or chain.conv_filter),
        "bias_momentum": _momentum(chain.depthwise_bias or chain.conv_bias),
    }
    for layer, _, bias, kernel in _layers(chain):
        own = {**_UNUSED, **(bias.options if bias else {}), **(kernel.options if kernel else {})}
        options |= {f"{layer}_{name}": own[name] for name in ("layer_id", "x_scale", "x_zero_point")}
        options[f"trains_{layer}"] = int(kernel is not None)
    return options


def _momentum(update: Op | None) -> float:
    return 0.0 if update is None else update.options["momentum"]


def _window(chain: GradientChain, dy: Tensor) -> dict[str, int]:
    """The depthwise convolution's geometry; where nothing reads its input, as good as any."""
    if chain.depthwise is not None:
        op, image = chain.depthwise, chain.depthwise.outputs[0]
    elif chain.depthwise_filter is not None:
        op, image = chain.depthwise_filter, operands(chain.depthwise_filter)["x_sel"]
    else:
        return {"in_h": dy.shape[1], "in_w": dy.shape[2], **dict(zip(_WINDOW, (1, 1, 0, 0), strict=True))}
    return {"in_h": image.shape[1], "in_w": image.shape[2], **{name: op.options[name] for name in _WINDOW}}


def _tile_channels(inputs: dict[str, Tensor | None], options: dict) -> int:
    shapes = [None if t is None else t.shape for t in _in_order(inputs)]
    n_bytes = REGISTRY[KIND].scratch_bytes(shapes, {**options, "tile_channels": TILE_CHANNELS})
    return TILE_CHANNELS if n_bytes <= SCRATCH_BYTES else SMALL_TILE_CHANNELS


def _block_bytes(block: Op) -> int:
    """Activations and scratch of the block, all alive at once."""
    named = operands(block)
    tensors = {id(t): t for t in (named["dy"], named["addend"], *block.outputs) if t is not None}
    shapes = [None if t is None else t.shape for t in block.inputs]
    return sum(t.n_bytes for t in tensors.values()) + REGISTRY[KIND].scratch_bytes(shapes, block.options)


def _chain_bytes(chain: GradientChain) -> int:
    """Most that the gradients of the chain take at once, op by op; dx may take the place of an addend."""
    addend = operands(chain.conv).get("addend")
    kept = addend.n_bytes if addend is not None else 0
    gradients = [operands(chain.project)["dy"], *chain.wide, *(chain.conv.outputs if chain.conv else [])]
    live = [a.n_bytes + b.n_bytes for a, b in itertools.pairwise(gradients)]
    return max(n + (kept if 0 < i < 2 else 0) for i, n in enumerate(live))
