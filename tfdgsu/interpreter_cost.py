# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Estimates what TFLM's interpreter needs for itself: structures per op, tensor, variable and output channel.

Sizes are those of the x86-64 interpreter, which needs more than a 32-bit one. A plan is made before the model is
converted, so the number of ops is an estimate; `tfdgsu.export` predicts the same figure from the file, to the byte.
"""

from .gradient_path import has_kernel
from .sparse_update_plan import LayerUpdate
from .step_timeline import StepTimeline

FIXED_BYTES = 456  # Allocators, memory planner, subgraph table.
NODE_BYTES = 64  # Node and registration of one op.
EVAL_TENSOR_BYTES = 24  # What kernels see of one tensor.
IO_TENSOR_BYTES = 72  # Public struct of one input or output, and the pointer to it.
CONV_BYTES = 108  # Parsed options and op data of a layer with a kernel, beside its per-channel arrays.
BLOCK_BYTES = 40  # State of a block of convolutions; its requantization data are constants, 2 tensors per stage.
BUILTIN_OP_BYTES = 72  # The same of any other builtin op, on average.
RESHAPE_BYTES = 190  # Around a 1-D layer: TFLite computes on images of height 1. One, forward or backward, on average.
ALIGNMENT = 16
N_STEP_TENSORS = 7  # x, y, learning rate, train, step counter, output, loss.


def predict(step: StepTimeline, updates: tuple[LayerUpdate, ...], n_weights: int, n_rates: int = 0) -> int:
    """Returns the estimated bytes.

    Args:
        step: The training step, played to its end.
        updates: The update layers.
        n_weights: Variables: kernels, biases, channel numbers and velocities.
        n_rates: Learning rates of layers, each the result of an op.
    """
    calls = step.path.graph.calls
    with_kernel = [call for call in calls if has_kernel(call.layer)]
    in_blocks = {call for block in step.blocks for call in block.calls}
    stages = [call for block in step.blocks for call in block.stages]
    builtin = [call for call in with_kernel if call not in in_blocks]
    n_frozen = len(with_kernel) - len(updates)
    n_ops = (
        step.timeline.now
        + sum(update.update_bias for update in updates)
        - step.n_fused_biases
        + sum(update.is_sparse for update in updates)
        + n_rates
        + 2
    )
    n_tensors = n_rates + len(step.timeline.buffers) + 2 * n_frozen + 2 * n_weights + N_STEP_TENSORS + 2 * len(stages)
    n_io = N_STEP_TENSORS + 2 * n_weights
    n_other = len(calls) - len(in_blocks | set(builtin))
    return (
        FIXED_BYTES
        + NODE_BYTES * n_ops
        + EVAL_TENSOR_BYTES * n_tensors
        + IO_TENSOR_BYTES * n_io
        + sum(CONV_BYTES + _per_channel_bytes(call.output.shape[-1]) for call in builtin)
        + BLOCK_BYTES * (len(step.blocks) + step.n_backward_blocks)
        + BUILTIN_OP_BYTES * n_other
        + RESHAPE_BYTES * sum(type(call.layer).__name__.endswith("1D") for call in calls)
    )


def _per_channel_bytes(n_channels: int) -> int:
    """Two int32 arrays, which TFLM allocates for float convolutions too, each aligned."""
    return 2 * (4 * n_channels + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
