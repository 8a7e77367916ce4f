# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""MEAN and REDUCE_MAX over neighbouring axes (global pooling)."""

from __future__ import annotations

import numpy as np

from ...ir import Op, Tensor
from .registry import gradient_rule


@gradient_rule("MEAN")
def mean_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    return [back.emit("TfdgsuMeanGrad", [dy, None, None], like=op.inputs[0], **_extents(op), mask_alpha=0.0), None]


@gradient_rule("REDUCE_MAX")
def reduce_max_gradient(op: Op, dy: Tensor, back) -> list[Tensor | None]:
    """Ties share the gradient evenly, as TensorFlow's gradient of reduce_max does."""
    x, y = op.inputs[0], op.outputs[0]
    bits = Tensor(f"mask/{x.name}", ((x.n_elements + 7) // 8,), "uint8")
    back.keep("TfdgsuReduceMaxMask", [x, y], after=op, kept=bits, **_extents(op))
    return [back.emit("TfdgsuReduceMaxGrad", [dy, bits], like=x, **_extents(op)), None]


def _extents(op: Op) -> dict[str, int]:
    """The input as [outer, reduced, inner]."""
    shape = op.inputs[0].shape
    axes = sorted(int(a) % len(shape) for a in np.atleast_1d(op.inputs[1].data))
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise ValueError(
            "Gradients pass through reductions over neighbouring axes. "
            f"Received: {op.kind} '{op.outputs[0].name}' over axes {axes}. Remedy: use a global pooling layer."
        )
    return {
        "outer": int(np.prod(shape[: axes[0]])),
        "reduced": int(np.prod(shape[axes[0] : axes[-1] + 1])),
        "inner": int(np.prod(shape[axes[-1] + 1 :])),
    }
