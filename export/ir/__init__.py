# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The compiler's object graph: ``graph`` (what it is), ``text`` (how it prints), ``verify`` (what must hold)."""

from .graph import Graph, Op, Quantization, Signature, Tensor

__all__ = ["Graph", "Op", "Quantization", "Signature", "Tensor"]
