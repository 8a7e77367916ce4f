# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What an export says about the file it wrote."""

from __future__ import annotations

import dataclasses
from typing import Any

from .arena import ArenaPrediction, format_arena_map

_N_LARGEST = 5


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """Result of an export.

    Attributes:
        path: The file written.
        file_bytes: Its size; the model's share of flash.
        arena: Predicted arena of the host interpreter (x86-64).
        arena_cortex_m: Predicted arena of a 32-bit Cortex-M with TFLM's reference kernels.
        plan: The plan that was exported, or None for an inference model.
        graph_text: Text form of the compiled graph.
    """

    path: str
    file_bytes: int
    arena: ArenaPrediction
    arena_cortex_m: ArenaPrediction
    plan: Any
    graph_text: str

    def summary(self) -> str:
        """Sizes, split of the arena and the largest tensors at its peak."""
        lines = [f"{self.path}: {self.file_bytes:,} bytes of flash"]
        for target, arena in (("x86-64", self.arena), ("Cortex-M", self.arena_cortex_m)):
            lines.append(
                f"Arena on {target}: {arena.total_bytes:,} bytes "
                f"(head {arena.head_bytes:,} bytes, tail {arena.tail_bytes:,} bytes)"
            )
            if not arena.exact:
                lines.append(f"  a lower bound: no size is known for {', '.join(arena.unknown_ops)}")
        lines.append("Largest tensors at the peak:")
        lines += [f"  {b.n_bytes:>12,}  {b.name}" for b in self.arena.peak_buffers[:_N_LARGEST]]
        return "\n".join(lines)

    def arena_map(self) -> str:
        """The arena over time as text: one row per op."""
        return format_arena_map(self.arena)
