# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes of the interpreter's own structs, per target.

Measured with `sizeof` on tflite-micro at the commit of the pinned wheel: for x86-64 with `USE_TFLM_COMPRESSION`, as
the wheel is built, and with `-m32 -fshort-enums -malign-double`, which lays structs out as arm-none-eabi does.
"""

from __future__ import annotations

import dataclasses

ARENA_ALIGNMENT = 16


@dataclasses.dataclass(frozen=True)
class Struct:
    """Size and alignment of a C struct, in bytes."""

    n_bytes: int
    alignment: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """What one target's interpreter is made of.

    Attributes:
        allocators: Structs that come first in the tail, in order: buffer allocator, memory planner, and
            the allocator on top of both.
        builtin_data_allocator: Allocates what ops parse from the flatbuffer.
        subgraph: Allocations of one subgraph.
        eval_tensor: What a kernel sees of a tensor; one for every tensor of the model.
        node: Node and registration; one for every op.
        tensor: The public tensor struct; persistent for inputs and outputs, temporary in Prepare.
        quantization: Scales and zero points that go with a `tensor`.
        scratch_handle, scratch_request: One of each for every scratch buffer.
        allocation_info: Temporary; one for every tensor and scratch buffer while lifetimes are computed.
        pointer: A pointer, also `size_t`.
    """

    allocators: tuple[Struct, ...]
    builtin_data_allocator: Struct
    subgraph: Struct
    eval_tensor: Struct
    node: Struct
    tensor: Struct
    quantization: Struct
    scratch_handle: Struct
    scratch_request: Struct
    allocation_info: Struct
    pointer: Struct


LAYOUTS = {
    # With recording allocators and support for compressed tensors, as the wheel is built.
    "x86_64": Layout(
        allocators=(Struct(104, 8), Struct(72, 8), Struct(272, 8)),
        builtin_data_allocator=Struct(16, 8),
        subgraph=Struct(24, 8),
        eval_tensor=Struct(24, 8),
        node=Struct(64, 8),
        tensor=Struct(64, 8),
        quantization=Struct(24, 8),
        scratch_handle=Struct(8, 8),
        scratch_request=Struct(16, 8),
        allocation_info=Struct(32, 8),
        pointer=Struct(8, 8),
    ),
    # Without either, as device builds are by default: the allocators that
    # `MicroInterpreter(model, resolver, arena, arena_bytes)` makes.
    "cortex_m": Layout(
        allocators=(Struct(36, 4), Struct(44, 4), Struct(36, 4)),
        builtin_data_allocator=Struct(8, 4),
        subgraph=Struct(8, 4),
        eval_tensor=Struct(12, 4),
        node=Struct(32, 4),
        tensor=Struct(32, 4),
        quantization=Struct(12, 4),
        scratch_handle=Struct(4, 4),
        scratch_request=Struct(12, 4),
        allocation_info=Struct(24, 4),
        pointer=Struct(4, 4),
    ),
}


def align_up(n_bytes: int, alignment: int = ARENA_ALIGNMENT) -> int:
    """The next multiple of `alignment`."""
    return -(-n_bytes // alignment) * alignment


def int_array_bytes(n_elements: int) -> int:
    """Bytes of a length-prefixed array of 32-bit integers."""
    return 4 + 4 * n_elements
