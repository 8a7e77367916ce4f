# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What an exported model keeps of a bundle, so that it can read the bundle's checkpoints without the file."""

from __future__ import annotations

from typing import Any

from ..frozen_checksum import compute_frozen_checksum
from .ir import Graph
from .metadata import unpack_metadata
from .ops.custom import REGISTRY
from .ops.custom.trained_scales import find_trained_scales

_CONSTANTS = ("/channels", "/pool")


def remember_bundle(sparse_model, graph: Graph, data: bytes) -> None:
    """Notes a bundle in `sparse_model.exported_bundles`, whence `model.save` and `load_checkpoint` take it.

    Args:
        sparse_model: The model that was exported.
        graph: What was written.
        data: The file's bytes.
    """
    header, document = unpack_metadata(data)
    sparse_model.exported_bundles[f"{header.file_bytes}-{header.crc32:08x}"] = {
        "file_bytes": header.file_bytes,
        "crc32": header.crc32,
        "layers": document["plan"]["layers"],
        "schedule": document["schedule"],
        "variables": document["variables"],
        "scales": _scales(graph),
        "constants": {
            tensor.name: tensor.data.tolist()
            for tensor in graph.tensors()
            if tensor.is_constant and tensor.dtype == "int32" and tensor.name.endswith(_CONSTANTS)
        },
        "frozen_crc32": compute_frozen_checksum(sparse_model),
    }


def _scales(graph: Graph) -> dict[str, Any]:
    scales = {}
    for op in graph.ops:
        for position, beside in find_trained_scales(REGISTRY[op.kind], op.options) if op.is_custom else ():
            weight, scale = op.inputs[position], op.inputs[beside]
            if weight is not None and scale is not None and scale.is_constant and weight.dtype != "float32":
                scales[weight.name] = scale.data.tolist()
    return scales
