# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What it takes to read a checkpoint of a bundle, from the bundle or from the model that was exported to it."""

import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..export.metadata import unpack_metadata
from ..frozen_checksum import compute_frozen_checksum
from .bundle import Bundle, read_bundle
from .errors import BundleError
from .frozen_weights import check_frozen_weights
from .model import read_model
from .variable_scales import read_scales
from .weights_file import WeightsFileError, read_bundle_id


class BundleId(NamedTuple):
    """Length and CRC-32 of a bundle's file, as its header states them."""

    file_bytes: int
    crc32: int


class VariableLayout(NamedTuple):
    """A variable of a checkpoint."""

    name: str
    role: str
    layer: str
    shape: tuple[int, ...]
    dtype: str


class CheckpointLayout(NamedTuple):
    """Names, shapes and units of a bundle's variables.

    Attributes:
        header: Which bundle.
        variables: By name, in the order of checkpoints.
        layers: The plan's layers, as the metadata has them.
        schedule: The metadata's schedule.
        scales: By name of an integer weight, float32 [O].
        constants: By tensor name, int32: channels that don't change, and pools.
        check_frozen: Raises `ValueError` for a model with other frozen weights.
    """

    header: BundleId
    variables: dict[str, VariableLayout]
    layers: list[dict[str, Any]]
    schedule: dict[str, Any]
    scales: dict[str, np.ndarray]
    constants: dict[str, np.ndarray]
    check_frozen: Callable[[Any], None]

    def layer_channels(self, layer: str) -> int:
        """Number of input channels that a layer's selected ones are drawn from: of its pool, if it has one."""
        item = next(item for item in self.layers if item["name"] == layer)
        return item.get("n_mutable", item["n_channels"])


def find_layout(model, path: str | os.PathLike, data: bytes, bundle: str | os.PathLike | None) -> CheckpointLayout:
    """The layout of a checkpoint: of `bundle`, else as the model remembers it, else of the bundle in the same folder.

    Args:
        model: The `SparseUpdateModel` that takes the checkpoint.
        path, data: The checkpoint's path and bytes.
        bundle: The bundle's path, or None.

    Raises:
        OSError: `bundle` can't be read.
        BundleError: `bundle` is damaged or not a bundle.
        WeightsFileError: The checkpoint is damaged, or nothing is known of its bundle.
    """
    if bundle is not None:
        return _read_layout(read_bundle(bundle))
    bundle_id = BundleId(*read_bundle_id(data))
    remembered = model.exported_bundles.get(f"{bundle_id.file_bytes}-{bundle_id.crc32:08x}")
    if remembered is not None:
        return _recall_layout(remembered)
    folder = pathlib.Path(path).parent
    for candidate in sorted(folder.glob("*.tflite")):
        if _is_bundle(candidate, bundle_id):
            return _read_layout(read_bundle(candidate))
    raise WeightsFileError(
        "A checkpoint's bundle must be known: exported from this model, in the checkpoint's folder, or given. "
        f"Received: a checkpoint of a bundle of {bundle_id.file_bytes:,} bytes with CRC-32 {bundle_id.crc32:08x}; this model "
        f"was exported to {len(model.exported_bundles)} others, and {str(folder)!r} does not hold it. "
        "Remedy: pass bundle= with the path of the bundle that was trained."
    )


def _is_bundle(path: pathlib.Path, bundle_id: BundleId) -> bool:
    if not path.is_file() or path.stat().st_size != bundle_id.file_bytes:
        return False
    try:
        header, _ = unpack_metadata(path.read_bytes())
    except BundleError:
        return False
    return (header.file_bytes, header.crc32) == bundle_id


def _read_layout(bundle: Bundle) -> CheckpointLayout:
    tensors = read_model(bundle.data)
    return CheckpointLayout(
        BundleId(bundle.header.file_bytes, bundle.header.crc32),
        {v.name: VariableLayout(v.name, v.role, v.layer, v.shape, v.dtype) for v in bundle.variables.values()},
        bundle.document["plan"]["layers"],
        bundle.document["schedule"],
        read_scales(tensors),
        {t.name: np.frombuffer(t.data, "<i4") for t in tensors.tensors if t.data and t.dtype == "int32"},
        lambda model: check_frozen_weights(model, tensors),
    )


def _recall_layout(document: dict[str, Any]) -> CheckpointLayout:
    """Of what `export.checkpoint_layout` noted."""

    def check_frozen(model) -> None:
        if compute_frozen_checksum(model) != document["frozen_crc32"]:
            raise ValueError(
                "A checkpoint goes into a model with the frozen weights of its bundle. "
                "Received: frozen weights that changed since this model was exported. "
                "Remedy: load the weights that it was exported with."
            )

    variables = [
        VariableLayout(v["name"], v["role"], v["layer"], tuple(v["shape"]), v["dtype"]) for v in document["variables"]
    ]
    return CheckpointLayout(
        BundleId(document["file_bytes"], document["crc32"]),
        {variable.name: variable for variable in variables},
        document["layers"],
        document["schedule"],
        {name: np.array(scales, np.float32) for name, scales in document["scales"].items()},
        {name: np.array(values, np.int32).reshape(-1) for name, values in document["constants"].items()},
        check_frozen,
    )
