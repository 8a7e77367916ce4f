# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The list of builtin ops that a gradient can pass through.

One file per op, named as the TFLite schema names it; each registers its rule here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...ir import Op, Tensor

if TYPE_CHECKING:
    from ...gradients import Backward

GradientRule = Callable[[Op, Tensor, "Backward"], "list[Tensor | None]"]

GRADIENT_RULES: dict[str, GradientRule] = {}


def gradient_rule(*kinds: str) -> Callable[[GradientRule], GradientRule]:
    """Registers a rule for one or more op kinds.

    A rule takes the op, the gradient of its first output and the backward pass under
    construction, emits what the gradient needs and returns one entry per op input:
    its gradient, or None where none flows.
    """

    def register(rule: GradientRule) -> GradientRule:
        GRADIENT_RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return register
