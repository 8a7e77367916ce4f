# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`.tfdw` files: the variables of one bundle at one moment.

Layout: magic, format version, length and CRC-32 of the file, SHA-256 of the bundle, then the variables
in the order of the bundle's metadata, little-endian. The bundle knows names and shapes.
"""

import os
import struct
import zlib

import numpy as np

from ..atomic_write import atomic_write
from .bundle import Bundle

_MAGIC = b"TFDGSW\r\n"
_VERSION = 1
_HEADER = struct.Struct("<8sIII32s")
_CRC_OFFSET = 16
_REMEDY = "Remedy: copy the file again, or restore another."


class WeightsFileError(ValueError):
    """A file that does not hold the intact variables of this bundle."""


def write_weights(path: str | os.PathLike, bundle: Bundle, values: dict[str, np.ndarray]) -> None:
    """Writes every variable of a bundle; `path` holds the old content or the new, never a part."""
    parts = [
        np.ascontiguousarray(values[v.name], np.dtype(v.dtype).newbyteorder("<")) for v in bundle.variables.values()
    ]
    payload = b"".join(part.tobytes() for part in parts)
    length = _HEADER.size + len(payload)
    data = bytearray(_HEADER.pack(_MAGIC, _VERSION, length, 0, bundle.fingerprint) + payload)
    struct.pack_into("<I", data, _CRC_OFFSET, zlib.crc32(data))
    atomic_write(path, bytes(data))


def read_weights(path: str | os.PathLike, bundle: Bundle) -> dict[str, np.ndarray]:
    """Reads what `write_weights` wrote.

    Raises:
        OSError: The file can't be read.
        WeightsFileError: It is damaged, of another version, or of another bundle.
    """
    with open(path, "rb") as file:
        data = bytearray(file.read())
    _check(data, bundle)
    values, at = {}, _HEADER.size
    for variable in bundle.variables.values():
        dtype = np.dtype(variable.dtype).newbyteorder("<")
        count = int(np.prod(variable.shape))
        array = np.frombuffer(data, dtype, count, at).reshape(variable.shape)
        values[variable.name] = array.astype(variable.dtype)
        at += array.nbytes
    return values


def _check(data: bytearray, bundle: Bundle) -> None:
    if len(data) < _HEADER.size or data[:8] != _MAGIC:
        raise WeightsFileError(
            f"Weights must be a file that Session.save() wrote. Received: no tfdgsu header. {_REMEDY}"
        )
    _, version, length, crc32, fingerprint = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise WeightsFileError(f"Weights file must have version {_VERSION}. Received: {version}. {_REMEDY}")
    if length != len(data):
        raise WeightsFileError(
            f"Weights file must be {length} bytes long. Received: {len(data)}. It was cut or joined. {_REMEDY}"
        )
    struct.pack_into("<I", data, _CRC_OFFSET, 0)
    checksum = zlib.crc32(data)
    if checksum != crc32:
        raise WeightsFileError(
            f"Weights file must have CRC-32 {crc32:08x}. Received: {checksum:08x}. It is damaged. {_REMEDY}"
        )
    if fingerprint != bundle.fingerprint:
        raise WeightsFileError(
            f"Weights must be of this bundle ({bundle.fingerprint.hex()[:16]}…). "
            f"Received: of another ({fingerprint.hex()[:16]}…). Remedy: restore them into the bundle they were saved from."
        )
    expected = _HEADER.size + sum(int(np.prod(v.shape)) * np.dtype(v.dtype).itemsize for v in bundle.variables.values())
    if length != expected:
        raise WeightsFileError(f"Weights file must be {expected} bytes long. Received: {length}. {_REMEDY}")
