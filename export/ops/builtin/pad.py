# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""PAD and PADV2: the gradient is the part of dy that is not padding."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir import Op, Tensor
from .registry import gradient_rule

_SLICE_RANK = 4


@gradient_rule("PAD", "PADV2")
def pad_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """dx = dy without the rows and columns that were padded."""
    x = op.inputs[0]
    begin = [int(b) for b in op.inputs[1].data[:, 0]]
    dx = back.emit("TfdgsuSlice", [dy], like=x, **slice_options(dy.shape, begin, x.shape))
    return [dx] + [None] * (len(op.inputs) - 1)


def slice_options(in_shape: Sequence[int], begin: Sequence[int], size: Sequence[int]) -> dict[str, int]:
    """Options of TfdgsuSlice: 4-D, shorter shapes padded with 1 in front."""
    if len(in_shape) > _SLICE_RANK:
        raise ValueError(
            f"Gradients pass through pad and concatenate of at most {_SLICE_RANK} dimensions. "
            f"Received: shape {list(in_shape)}. Remedy: reshape to {_SLICE_RANK} dimensions or fewer."
        )
    lead = _SLICE_RANK - len(in_shape)
    rows = {"in": [1] * lead + list(in_shape), "begin": [0] * lead + list(begin), "size": [1] * lead + list(size)}
    return {f"{name}_{i}": int(value) for name, values in rows.items() for i, value in enumerate(values)}
