# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A file that a device runs: a training bundle or an inference model, checked before anything trusts it."""

import os
import pathlib
from typing import NamedTuple

from ..export.arena import predict_arena
from ..export.metadata import MAGIC, METADATA_NAME
from .bundle import MAX_TENSOR_BYTES, Bundle, check_size
from .memory_plan import check_memory_plan
from .model import Model, read_model
from .operator_rules import check_operators
from .recommended_arena import add_reserve, recommend_arena


class Program(NamedTuple):
    """A training bundle, or an inference model, whose bundle is None.

    Attributes:
        data: The bytes of the file.
        model: What they say.
        bundle: Its metadata and variables.
        arena_bytes: Arena to give it on x86-64 and on a 32-bit Cortex-M.
    """

    data: bytes
    model: Model
    bundle: Bundle | None
    arena_bytes: tuple[int, int]


def read_program(path: str | os.PathLike) -> Program:
    """Reads and checks a file.

    Raises:
        OSError: It can't be read.
        BundleError: It is damaged, or would make TFLM misbehave.
    """
    data = pathlib.Path(path).read_bytes()
    # The bundle's own checks come first: they say best what is wrong with it.
    if MAGIC in data or METADATA_NAME in read_model(data).metadata:
        bundle = Bundle(data)
        minima = (bundle.header.minimum_arena_bytes_x86_64, bundle.header.minimum_arena_bytes_cortex_m)
        return Program(data, read_model(data), bundle, tuple(recommend_arena(bundle, minimum) for minimum in minima))
    model = read_model(data)
    check_operators(model)
    check_size(model)
    check_memory_plan(model, MAX_TENSOR_BYTES)  # The prediction, which follows, has room for whatever it prescribes.
    predictions = [predict_arena(data, target) for target in ("x86_64", "cortex_m")]
    arenas = tuple(add_reserve(p.minimum_arena_bytes, p.exact, len(model.tensors)) for p in predictions)
    return Program(data, model, None, arenas)
