# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a training step needs on a device: mutable weights + interpreter + max(forward peak, backward peak)."""

from . import interpreter_cost
from .byte_size import FLOAT_BYTES
from .fused_layers import float_tail
from .gradient_path import GradientPath
from .lars import has_own_rate
from .number_format import FLOAT32, NumberFormat
from .optimizer_slots import LAYER_RATE_BYTES
from .sparse_update_plan import CostItem, LayerUpdate, PlanCost
from .step_timeline import StepTimeline


def predict(
    path: GradientPath,
    updates: tuple[LayerUpdate, ...],
    batch_size: int,
    momentum: bool,
    number_format: NumberFormat = FLOAT32,
    optimizer: str = "sgd",
) -> PlanCost:
    """Returns the predicted cost of one training step of `updates` along `path`."""
    step = StepTimeline(path, {update.name: update for update in updates}, batch_size, number_format)
    step.forward()
    timeline = step.timeline
    n_forward = timeline.now
    step.backward()
    velocities = _with_velocity(updates, momentum, optimizer)
    weights = [item for update in updates for item in mutable_items(update, path, velocities, number_format)]
    n_rates = sum(name.endswith("/kernel") for name in velocities) if optimizer == "lars" else 0
    if n_rates:
        weights.append(CostItem("layer_rates", "mutable weight", LAYER_RATE_BYTES * n_rates))
    buffers = [CostItem(buffer.name, buffer.kind, buffer.n_bytes) for buffer in timeline.buffers]
    return PlanCost(
        kept_activation_bytes=sum(buffer.n_bytes for buffer in step.kept),
        relu_mask_bytes=sum(buffer.n_bytes for buffer in step.masks.values()),
        mutable_weight_bytes=sum(item.n_bytes for item in weights) + FLOAT_BYTES,  # + the step counter
        interpreter_bytes=interpreter_cost.predict(step, updates, len(weights), n_rates),
        forward_peak_bytes=timeline.peak_bytes(0, n_forward),
        backward_peak_bytes=timeline.peak_bytes(n_forward, timeline.now),
        items=tuple(sorted(buffers + weights, key=lambda item: -item.n_bytes)),
    )


def _with_velocity(updates: tuple[LayerUpdate, ...], momentum: bool, optimizer: str) -> set[str]:
    """Names of the kernels and biases that have a velocity; with LARS, kernels of convolutions only."""
    if optimizer == "lars":
        return {
            f"{update.name}/kernel" for update in updates if update.n_selected and has_own_rate(update.kernel_shape)
        }
    return {f"{update.name}/{role}" for update in updates for role in ("kernel", "bias") if momentum}


def mutable_items(
    update: LayerUpdate, path: GradientPath, velocities: set[str], number_format: NumberFormat
) -> list[CostItem]:
    """Returns the variables of one update layer: kernel, channel numbers, bias, velocities of those that have one."""
    items = []

    def add(name: str, n_bytes: int) -> None:
        items.append(CostItem(f"{update.name}/{name}", "mutable weight", n_bytes))

    if update.n_selected:
        is_float = number_format.has_float_tail and path.graph.find(update.name) in float_tail(path)
        n_kernel_bytes = FLOAT_BYTES if is_float else number_format.kernel_bytes
        add("kernel", n_kernel_bytes * update.n_mutable_weights)
        if update.is_sparse:
            add("channels", FLOAT_BYTES * update.n_selected)
        if f"{update.name}/kernel" in velocities:
            add("kernel/velocity", FLOAT_BYTES * update.n_updated_weights)
    if update.update_bias:
        n_bytes = FLOAT_BYTES * path.graph.find(update.name).output.shape[-1]
        add("bias", n_bytes)
        if f"{update.name}/bias" in velocities:
            add("bias/velocity", n_bytes)
    return items
