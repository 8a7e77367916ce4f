# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the backward passes of chains conv 1x1 -> depthwise -> conv 1x1 that one op can compute."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..ir import Graph, Op, Tensor
from ..ops.custom import REGISTRY
from ..ops.custom.conv_block_grad import POINTWISE

_CONV_INPUT, _CONV_FILTER = "TfdgsuConv2DGradInputInt8", "TfdgsuConv2DGradFilterInt8"
_DEPTHWISE_INPUT, _DEPTHWISE_FILTER = "TfdgsuDepthwiseConv2DGradInputInt8", "TfdgsuDepthwiseConv2DGradFilterInt8"
_BIAS = "TfdgsuBiasGradInt32"
SHARED_OPTIONS = ("nesterov", "rounding", "seed")  # of all updates of a chain


@dataclasses.dataclass(frozen=True)
class GradientChain:
    """Ops of the backward pass of one chain; None for those that are not needed.

    Attributes:
        project, depthwise, conv: The input gradients of the three convolutions, in the order they run.
        depthwise_bias, depthwise_filter, conv_bias, conv_filter: The updates of the first two convolutions.
    """

    project: Op
    depthwise: Op | None = None
    conv: Op | None = None
    depthwise_bias: Op | None = None
    depthwise_filter: Op | None = None
    conv_bias: Op | None = None
    conv_filter: Op | None = None

    @property
    def ops(self) -> list[Op]:
        """Those that are there."""
        return [op for op in vars(self).values() if op is not None]

    @property
    def updates(self) -> list[Op]:
        """The updates that are there."""
        found = (self.depthwise_bias, self.depthwise_filter, self.conv_bias, self.conv_filter)
        return [op for op in found if op is not None]

    @property
    def wide(self) -> list[Tensor]:
        """The gradients of the expanded channels."""
        return [op.outputs[0] for op in (self.project, self.depthwise) if op is not None]


def operands(op: Op | None) -> dict[str, Tensor | None]:
    """Inputs of a custom op by name; of None an empty dict."""
    if op is None:
        return {}
    return dict(zip((operand.name for operand in REGISTRY[op.kind].INPUTS), op.inputs, strict=True))


def find_chain(graph: Graph, project: Op) -> GradientChain | None:
    """The chain that begins with input gradient ``project``, or None if one op can't compute it."""
    if not _is_pointwise(project, _CONV_INPUT) or operands(project)["addend"] is not None:
        return None
    chain = _with_readers(graph, GradientChain(project), "depthwise", _DEPTHWISE_INPUT, _DEPTHWISE_FILTER)
    if chain is not None and chain.depthwise is not None:
        if operands(chain.depthwise)["addend"] is not None or not _is_plain_depthwise(chain):
            return None
        chain = _with_readers(graph, chain, "conv", _CONV_INPUT, _CONV_FILTER)
    if chain is None or not _is_complete(chain) or not _can_run_at_once(graph, chain):
        return None
    return chain


def _is_pointwise(op: Op, kind: str) -> bool:
    return (
        op.kind == kind
        and operands(op)["w"].shape[1:3] == (1, 1)
        and all(op.options[name] == value for name, value in POINTWISE.items())
        and (not op.outputs or op.outputs[0].shape[:3] == operands(op)["dy"].shape[:3])
    )


def _with_readers(graph: Graph, chain: GradientChain, layer: str, input_kind: str, filter_kind: str):
    """The chain with the ops that read its last gradient; None if others do."""
    gradient = chain.wide[-1]
    if any(t is gradient for t in graph.outputs):
        return None
    roles = {input_kind: layer, filter_kind: f"{layer}_filter", _BIAS: f"{layer}_bias"}
    found: dict[str, Op] = {}
    for op in graph.consumers(gradient):
        role = roles.get(op.kind)
        reads = [name for name, tensor in operands(op).items() if tensor is gradient] if role else []
        if role in found or reads != ["dy"]:
            return None
        found[role] = op
    return dataclasses.replace(chain, **found)


def _is_plain_depthwise(chain: GradientChain) -> bool:
    """Of multiplier 1; and its filter's update, if any, is of the same weights and windows."""
    w, update = operands(chain.depthwise)["w"], chain.depthwise_filter
    if w.shape[3] != chain.depthwise.outputs[0].shape[3]:
        return False
    return _are_of_one_layer(chain.depthwise, update) and (
        update is None or all(update.options[name] == chain.depthwise.options[name] for name in POINTWISE)
    )


def _are_of_one_layer(passed: Op | None, update: Op | None) -> bool:
    """Whether input gradient and filter update, where there are both, have the same weights and scales."""
    if passed is None or update is None:
        return True
    (w, scales), (other_w, other_scales) = ([operands(op)[name] for name in ("w", "scales")] for op in (passed, update))
    overlay = operands(passed).get("overlay")
    return (w if overlay is None else overlay) is other_w and (
        scales is other_scales or np.array_equal(scales.data, other_scales.data)
    )


def _is_complete(chain: GradientChain) -> bool:
    """Whether it ends somewhere, and all of its last layer's ops are of one pointwise convolution."""
    if chain.depthwise_filter is not None and chain.depthwise_filter.options["depth_multiplier"] != 1:
        return False
    if chain.depthwise is None:
        return bool(chain.updates)
    if not all(op is None or _is_pointwise(op, op.kind) for op in (chain.conv, chain.conv_filter)):
        return False
    return _are_of_one_layer(chain.conv, chain.conv_filter) and any(
        op is not None for op in (chain.conv, chain.conv_filter, chain.conv_bias)
    )


def _can_run_at_once(graph: Graph, chain: GradientChain) -> bool:
    """Whether all of it may run where its first op does, and all updates are alike."""
    if not _are_alike(chain.updates):
        return False
    later = list(chain.ops)
    for op in graph.ops[graph.index(chain.project) :]:
        if any(op is own for own in later):
            later = [own for own in later if own is not op]
        elif not _commute(op, later):
            return False
        if not later:
            return True
    return False


def _commute(op: Op, later: list[Op]) -> bool:
    """Whether ops that run after ``op`` may just as well run before it."""
    read = {id(t) for own in later for t in own.inputs if t is not None}
    written = {id(t) for own in later for t in own.mutates}
    made = (*op.outputs, *op.mutates)
    return not any(id(t) in read for t in made) and not any(id(t) in written for t in op.inputs if t is not None)


def _are_alike(updates: list[Op]) -> bool:
    """Whether they have in common what one op has only one of: for all updates, for those of biases and for those of filters."""
    biases = {(id(operands(op)["lr"]), op.options["momentum"]) for op in updates if op.kind == _BIAS}
    filters = {op.options["momentum"] for op in updates if op.kind != _BIAS}
    shared = {(id(operands(op)["step"]), *(op.options[name] for name in SHARED_OPTIONS)) for op in updates}
    return max(len(biases), len(filters), len(shared)) <= 1
