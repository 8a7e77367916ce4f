# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`.tfdw` files: the variables of one bundle at one moment, in the very bytes that a device keeps in flash.

The layout stands in `include/tfdgsu/checkpoint.h`. The bundle knows names and shapes.
"""

import os
import struct
import zlib
from collections.abc import Iterable

import numpy as np

from ..atomic_write import atomic_write
from .bundle import Bundle, Variable

_MAGIC = b"TFDGSW\r\n"
_VERSION = 2
_HEADER = struct.Struct("<8sIIIIII")
_CRC = struct.Struct("<I")
_REMEDY = "Remedy: copy the file again, or restore another."


class WeightsFileError(ValueError):
    """A file that does not hold the intact variables of this bundle."""


def write_weights(path: str | os.PathLike, bundle: Bundle, values: dict[str, np.ndarray]) -> None:
    """Writes every variable of a bundle; `path` holds the old content or the new, never a part."""
    atomic_write(path, encode_weights(bundle, values))


def read_weights(path: str | os.PathLike, bundle: Bundle) -> dict[str, np.ndarray]:
    """Reads what `write_weights` or a device wrote.

    Raises:
        OSError: The file can't be read.
        WeightsFileError: It is damaged, of another version, or of another bundle.
    """
    with open(path, "rb") as file:
        return decode_weights(file.read(), bundle)


def encode_weights(bundle: Bundle, values: dict[str, np.ndarray], sequence: int = 0) -> bytes:
    """The blob: header, sizes, variables in the order of the bundle's metadata, CRC-32."""
    payload = [np.asarray(values[v.name], np.dtype(v.dtype).newbyteorder("<")).tobytes() for v in _variables(bundle)]
    body = _sizes(bundle) + b"".join(payload)
    length = _HEADER.size + len(body) + _CRC.size
    data = _HEADER.pack(_MAGIC, _VERSION, length, *_bundle_id(bundle), sequence, len(payload)) + body
    return data + _CRC.pack(zlib.crc32(data))


def read_bundle_id(data: bytes) -> tuple[int, int]:
    """Length and CRC-32 of the bundle that an intact blob belongs to; raises `WeightsFileError` as `read_weights` does."""
    _check_intact(data)
    _, _, _, file_bytes, crc32, _, _ = _HEADER.unpack_from(data)
    return file_bytes, crc32


def decode_weights(data: bytes, bundle: Bundle) -> dict[str, np.ndarray]:
    """The variables by name; raises `WeightsFileError` as `read_weights` does."""
    _check_intact(data)
    _, _, length, *bundle_id, _, n_variables = _HEADER.unpack_from(data)
    if tuple(bundle_id) != _bundle_id(bundle):
        ours, theirs = ("{:,} bytes with CRC-32 {:08x}".format(*each) for each in (_bundle_id(bundle), bundle_id))
        raise WeightsFileError(
            f"Weights must be of this bundle ({ours}). Received: of another ({theirs}). "
            "Remedy: restore them into the bundle they were saved from."
        )
    sizes, at = _sizes(bundle), _HEADER.size
    expected = at + len(sizes) + sum(struct.unpack(f"<{len(sizes) // 4}I", sizes)) + _CRC.size
    if (n_variables, data[at : at + len(sizes)], length) != (len(bundle.variables), sizes, expected):
        raise WeightsFileError(
            f"Weights file must hold the bundle's {len(bundle.variables)} variables in {expected} bytes. "
            f"Received: {n_variables} in {length}, or others. {_REMEDY}"
        )
    values, at = {}, at + len(sizes)
    for variable in _variables(bundle):
        dtype = np.dtype(variable.dtype).newbyteorder("<")
        array = np.frombuffer(data, dtype, int(np.prod(variable.shape)), at).reshape(variable.shape)
        values[variable.name] = array.astype(variable.dtype)
        at += array.nbytes
    return values


def _variables(bundle: Bundle) -> Iterable[Variable]:
    return bundle.variables.values()


def _bundle_id(bundle: Bundle) -> tuple[int, int]:
    return bundle.header.file_bytes, bundle.header.crc32


def _sizes(bundle: Bundle) -> bytes:
    sizes = [int(np.prod(v.shape)) * np.dtype(v.dtype).itemsize for v in _variables(bundle)]
    return struct.pack(f"<{len(sizes)}I", *sizes)


def _check_intact(data: bytes) -> None:
    if len(data) < _HEADER.size + _CRC.size or data[:8] != _MAGIC:
        raise WeightsFileError(
            f"Weights must be a file that Session.save() or a device wrote. Received: no tfdgsu header. {_REMEDY}"
        )
    version, length = struct.unpack_from("<II", data, len(_MAGIC))
    if version < _VERSION:
        raise WeightsFileError(
            f"Weights file must have version {_VERSION}. Received: {version}, of an earlier release. "
            "Remedy: restore and train with that release, or start from the bundle's own weights."
        )
    if length != len(data):
        raise WeightsFileError(
            f"Weights file must be {length} bytes long. Received: {len(data)}. It was cut or joined. {_REMEDY}"
        )
    stated, checksum = *_CRC.unpack_from(data, length - _CRC.size), zlib.crc32(data[: length - _CRC.size])
    if stated != checksum:
        raise WeightsFileError(
            f"Weights file must have CRC-32 {stated:08x}. Received: {checksum:08x}. It is damaged. {_REMEDY}"
        )
    if version != _VERSION:
        raise WeightsFileError(
            f"Weights file must have version {_VERSION}. Received: {version}. Remedy: update tfdgsu, or save it again."
        )
