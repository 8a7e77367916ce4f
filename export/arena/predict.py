# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Predicts TFLM's arena from a flatbuffer alone."""

from __future__ import annotations

from collections.abc import Sequence

from .allocate_tensors import AllocateTensors, PlacedBuffer
from .flat_model import FlatSubgraph, read_flat_model
from .layout import LAYOUTS
from .prediction import ArenaPrediction, BufferPlan, OpTail


def predict_arena(model: bytes, target: str = "x86_64") -> ArenaPrediction:
    """Says what arena TFLM will report for a model.

    Example:
        prediction = predict_arena(pathlib.Path("model.tflite").read_bytes())
        print(prediction.total_bytes, prediction.peak_op)

    Args:
        model: A valid `.tflite` file. It is not verified here.
        target: "x86_64" or "cortex_m".

    Returns:
        The prediction. Ops whose cost is not known are named in `unknown_ops`; it is then a lower bound.

    Raises:
        ValueError: for another target, a tensor type that TFLM can't hold, or an offline plan that does not fit.
    """
    if target not in LAYOUTS:
        raise ValueError(
            f"target must be one of {', '.join(LAYOUTS)}. Received: target={target!r}. "
            "Remedy: for another 32-bit device with short enums, cortex_m is the closest."
        )
    subgraphs = read_flat_model(model)
    replay = AllocateTensors(subgraphs, target).run()
    moments = replay.lifetimes.moments
    buffers = tuple(_describe(b, subgraphs, moments) for b in replay.buffers)
    return ArenaPrediction(
        target=target,
        head_bytes=replay.trace.head_bytes,
        tail_bytes=replay.trace.tail_bytes,
        minimum_arena_bytes=replay.trace.minimum_bytes,
        buffers=buffers,
        moments=tuple(moments),
        peak_moment=_find_peak(buffers, len(moments)),
        tail_by_kind=dict(replay.trace.tail_by_kind),
        op_tails=tuple(OpTail(subgraphs[s].ops[i].name, n) for (s, i), n in replay.op_tail_bytes.items()),
        unknown_ops=tuple(sorted(replay.unknown_ops)),
    )


def _describe(placed: PlacedBuffer, subgraphs: Sequence[FlatSubgraph], moments: Sequence[str]) -> BufferPlan:
    request = placed.request
    if placed.tensor is not None:
        name = placed.tensor.name
    else:
        name = f"{subgraphs[placed.subgraph_idx].ops[placed.op_idx].name}#{placed.op_idx}/scratch"
    return BufferPlan(
        name=name,
        offset=placed.offset,
        n_bytes=request.n_bytes,
        first_used=request.first_used,
        last_used=request.last_used,
        first_op=moments[request.first_used] if request.first_used >= 0 else "",
        last_op=moments[request.last_used] if request.last_used >= 0 else "",
        is_scratch=placed.tensor is None,
        tensor_idx=placed.tensor_idx,
    )


def _find_peak(buffers: Sequence[BufferPlan], n_moments: int) -> int:
    live = [0] * n_moments
    for buffer in buffers:
        for moment in range(max(buffer.first_used, 0), buffer.last_used + 1):
            live[moment] += buffer.n_bytes
    return max(range(n_moments), key=lambda moment: live[moment])
