# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Says of every layer with a kernel why it is or isn't updated."""

import math

from keras import layers

from .expected_gain import why_unreachable
from .layer_graph import LayerCall
from .sparse_update_plan import LayerReason, SparseUpdatePlan

_OWN_KINDS = ("mutable weight", "kept activation")


def reasons_of_explicit(planner, made: SparseUpdatePlan) -> tuple[LayerReason, ...]:
    """Reasons of a plan whose layers the caller chose."""

    def reason(call: LayerCall, is_updated: bool) -> str:
        if not is_updated:
            return "frozen: not chosen"
        return "the head, trained wholly" if call is planner.head else _chosen(made, call)

    return _reasons(planner, made, reason)


def reasons_of_choice(planner, update_fraction: float, best, considered: list[LayerCall]) -> tuple[LayerReason, ...]:
    """Reasons of a plan that the planner chose.

    Args:
        planner: The `Planner`.
        update_fraction: What was asked for.
        best: The `Candidate` that won.
        considered: The convolutions that could have been update layers.
    """
    made = best.plan
    among = set(considered)
    in_depth = set(planner.last(best.n_last))
    deeper = _why_not_deeper(planner, best, considered)

    def reason(call: LayerCall, is_updated: bool) -> str:
        if call is planner.head:
            return "the head, trained wholly"
        if isinstance(call.layer, layers.Dense):
            return "frozen: a dense layer is only updated as the head, or by layers="
        if best.selected.get(call):
            return _chosen(made, call)
        if call in in_depth:
            return f"{'bias only' if is_updated else 'frozen'}: {_why_no_kernel(planner, update_fraction, best, call)}"
        if call in among:
            return f"frozen: in front of the deepest update layer{deeper}"
        why = why_unreachable(call, planner.graph)
        if why is not None:
            return f"frozen: {why}"
        return f"frozen: in front of the last {len(considered)} of {len(planner.convolutions)} convolutions"

    return _reasons(planner, made, reason)


def _reasons(planner, made: SparseUpdatePlan, reason) -> tuple[LayerReason, ...]:
    updated = {update.name for update in made.layers}
    own_bytes = dict.fromkeys(updated, 0)
    for item in made.cost.items:
        name = item.name.split("/")[0]
        if name in updated and item.kind in _OWN_KINDS:
            own_bytes[name] += item.n_bytes
    return tuple(
        LayerReason(
            name=call.name,
            gain=planner.gain.get(call.name),
            n_bytes=own_bytes.get(call.name, 0),
            reason=reason(call, call.name in updated),
        )
        for call in planner.kernels
    )


def _chosen(made: SparseUpdatePlan, call: LayerCall) -> str:
    update = made.layer(call.name)
    if not update.n_selected:
        return "bias only"
    channels = f"{update.n_selected} of {update.n_channels} channels" if update.is_sparse else "all channels"
    pool = f", drawn from a pool of {update.n_mutable}," if update.has_pool else ""
    return f"{channels}{pool}{' and bias' if update.update_bias else ''}"


def _why_no_kernel(planner, update_fraction: float, best, call: LayerCall) -> str:
    if planner.expanding and call not in planner.expanding:
        return "of inverted bottlenecks, the expanding convolutions get the weights"
    if not planner.gain.get(call.name):
        return "its kernel has no expected gain"
    n_channel_weights = math.prod(call.layer.kernel.shape) // call.layer.kernel.shape[-2]
    n_weights = math.floor(update_fraction * planner.n_conv_weights)
    if n_channel_weights > n_weights:
        return f"one channel of {n_channel_weights:,} weights exceeds the {n_weights:,} of update_fraction="
    with_it = planner.with_kernel(update_fraction, best, call)
    if not with_it.selected[call]:
        return f"one channel of {n_channel_weights:,} weights exceeds its share by gain"
    n_missing = with_it.plan.cost.total_bytes - (planner.ram_bytes or with_it.plan.cost.total_bytes)
    if n_missing > 0:
        return f"its kernel does not fit, needs {n_missing:,} more bytes"
    return "its kernel gains less than the weights it would take from others"


def _why_not_deeper(planner, best, considered: list[LayerCall]) -> str:
    """What reaching one layer deeper would take, all kernels in that depth frozen."""
    if best.n_last >= len(considered):
        return ""
    calls = planner.last(best.n_last + 1)
    n_missing = planner.make(dict.fromkeys(calls, 0)).cost.total_bytes - (planner.ram_bytes or 0)
    if planner.ram_bytes is not None and n_missing > 0:
        return f"; one layer deeper, biases alone need {n_missing:,} more bytes"
    return "; reaching deeper gains less than it takes from others"
