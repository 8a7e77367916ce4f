# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a session's arena holds."""

from typing import NamedTuple


class ArenaReport(NamedTuple):
    """Bytes of the arena: measured by TFLM's recording allocator, and predicted at export.

    Attributes:
        head_bytes: Activations, sharing memory by lifetime.
        tail_bytes: Variables and the interpreter's structures.
        total_bytes: Both, as TFLM reports it.
        arena_bytes: What the session gave; planning may need more than `total_bytes` for a moment.
        predicted_bytes: `total_bytes` as the exporter predicted it for x86-64.
        predicted_cortex_m_bytes: The same for a 32-bit Cortex-M.
    """

    head_bytes: int
    tail_bytes: int
    total_bytes: int
    arena_bytes: int
    predicted_bytes: int
    predicted_cortex_m_bytes: int
