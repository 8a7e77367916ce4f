# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Makes one op of each chain of int8 convolutions, so that the wide results inside never exist as a whole.

A chain is conv -> depthwise -> project (1x1) -> ADD of the chain's input, each optional; a PAD in front of a
convolution becomes its padding. What lies inside a chain may have no other reader, except the mask of a ReLU, which the
op writes on the way: so a convolution whose input a gradient reads begins a chain. Convolutions that can't be fused
stay as they are.
"""

from __future__ import annotations

import numpy as np

from ..ir import Graph, Op, Tensor
from ..ir.verify import DEFECT, GraphError
from ..ops.custom import REGISTRY, TensorSpec
from .conv_chain import Chain, find_chains
from .conv_chain_options import KIND, chain_inputs, chain_options

Overlays = dict[int, list[Tensor]]


def run(graph: Graph, train: Tensor | None = None, overlays: Overlays | None = None) -> Graph:
    """Fuses chains, beginning as early as possible and as long as the arena does not grow by it; returns the graph.

    Args:
        graph: Its int8 tensors have a quantization; everything else is left alone.
        train: The gate of the training step, int32 ``[1]``; None for a graph without masks.
        overlays: By id of a convolution, what it gets some channels' weights from, and these channels; it begins a chain,
            because builtin ops can't do that.

    Example:
        >>> graph = fuse_conv_blocks.run(read_graph(int8_model))
        >>> [op.kind for op in graph.ops]
        ['TfdgsuConvBlock', 'TfdgsuConvBlock', 'MEAN', 'FULLY_CONNECTED']
    """
    overlays = overlays or {}
    gate = Tensor("train", (1,), "int32", np.zeros(1, np.int32)) if train is None else train
    for op in list(graph.ops):
        if not any(op is present for present in graph.ops):
            continue  # went into a chain
        chains = find_chains(graph, op, overlays.keys())
        for chain in chains:
            block = _make_block(chain, gate, overlays.get(id(op)))
            must_fuse = id(op) in overlays and chain is chains[-1]
            if _is_valid(block) and (must_fuse or _block_bytes(chain, block) <= _chain_bytes(graph, chain)):
                _replace(graph, chain, block)
                break
    left = [op.outputs[0].name for op in graph.ops if id(op) in overlays]
    if left:
        raise GraphError(
            f"Invalid graph in pass 'fuse_conv_blocks': {', '.join(left)} must become a block, as of an overlay. {DEFECT}"
        )
    return graph


def can_overlay(graph: Graph, op: Op, n_channels: int) -> bool:
    """Whether a convolution can become a block that reads the weights of some channels from elsewhere."""
    if op.kind != "CONV_2D" or op.inputs[1].dtype != "int8":
        return False
    chains = find_chains(graph, op)
    o, height, width, _ = op.inputs[1].shape
    overlay = [Tensor("overlay", (o, height, width, n_channels), "int8"), Tensor("channels", (n_channels,), "int32")]
    return bool(chains) and _is_valid(_make_block(chains[-1], Tensor("train", (1,), "int32"), overlay))


def _make_block(chain: Chain, train: Tensor, overlay: list[Tensor] | None = None) -> Op:
    masks = [stage.mask.outputs[0] for stage in chain.stages if stage.mask is not None]
    return Op(KIND, chain_inputs(chain, train, overlay), [chain.result, *masks], chain_options(chain), is_custom=True)


def _is_valid(block: Op) -> bool:
    """Whether the kernel's arithmetic holds it, e.g. scales of the residual."""
    inputs, outputs = ([t and TensorSpec(t.shape, t.dtype) for t in part] for part in (block.inputs, block.outputs))
    try:
        REGISTRY[KIND].check(inputs, outputs, block.options)
    except ValueError:
        return False
    return True


def _replace(graph: Graph, chain: Chain, block: Op) -> None:
    graph.insert_after(chain.last_op, block)
    absorbed = {id(op) for op in chain.ops}
    graph.ops = [op for op in graph.ops if id(op) not in absorbed]


def _chain_bytes(graph: Graph, chain: Chain) -> int:
    """Largest sum of the chain's activations that are alive at once, op by op."""
    live = []
    for op in chain.computing_ops:
        tensors = {id(t): t for t in (op.inputs[0], op.outputs[0])}
        if chain.add is not None or _outlives(graph, chain):
            tensors[id(chain.x)] = chain.x
        if op is chain.add:
            tensors |= {id(t): t for t in op.inputs}
        live.append(sum(t.n_bytes for t in tensors.values()))
    return max(live)


def _outlives(graph: Graph, chain: Chain) -> bool:
    """Whether others read the chain's input after it."""
    first = graph.index(chain.computing_ops[0])
    later = [op for op in graph.consumers(chain.x) if graph.index(op) > first]
    return bool(later) or any(t is chain.x for t in graph.outputs)


def _block_bytes(chain: Chain, block: Op) -> int:
    """The same of the block: input, output and scratch."""
    shapes = [None if t is None else t.shape for t in block.inputs]
    return chain.x.n_bytes + chain.result.n_bytes + REGISTRY[KIND].scratch_bytes(shapes, block.options)
