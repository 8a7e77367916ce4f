# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The arena to give a bundle: what its exporter predicted, with room where it could not."""

from .bundle import Bundle

# Room for ops whose cost the exporter doesn't know, per tensor of the model and once.
_UNKNOWN_BYTES_PER_TENSOR = 256
_UNKNOWN_BYTES = 16384
ARENA_ALIGNMENT = 16  # The prediction holds for multiples of it.
# Below this TFLM crashes before it can complain: its allocators live in the arena too.
SMALLEST_ARENA_BYTES = 1024


def recommend_arena(bundle: Bundle, minimum_bytes: int) -> int:
    """Bytes of an arena that the bundle can be planned in.

    Args:
        bundle: The bundle.
        minimum_bytes: What its header says of the target.
    """
    return add_reserve(minimum_bytes, bundle.document["arena_is_exact"], bundle.n_tensors)


def add_reserve(minimum_bytes: int, is_exact: bool, n_tensors: int) -> int:
    """Bytes of an arena, from a prediction and whether that is exact or a lower bound."""
    if not is_exact:
        minimum_bytes += _UNKNOWN_BYTES + _UNKNOWN_BYTES_PER_TENSOR * n_tensors
    return -(-max(minimum_bytes, SMALLEST_ARENA_BYTES) // ARENA_ALIGNMENT) * ARENA_ALIGNMENT
