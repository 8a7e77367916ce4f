# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The `tfdgsu` metadata buffer of a bundle: a fixed header, then JSON.

The header is found by its magic, without parsing the flatbuffer, so that length and
checksum are known to be right before anything else is read. Needs the standard
library only.

Example:
    >>> buffer = pack_metadata({"batch_size": 1}, x86_64=ArenaBytes(4096, 4352), cortex_m=ArenaBytes(3072, 3072))
    >>> data = seal(write_flatbuffer(..., metadata={"tfdgsu": buffer}))
    >>> header, document = unpack_metadata(data)
    >>> document["batch_size"]
    1
"""

import json
import struct
import zlib
from typing import Any, NamedTuple

METADATA_NAME = "tfdgsu"
MAGIC = b"TFDGSU\r\n"  # like PNG's: a transfer in text mode breaks it
FORMAT_VERSION = 1
_HEADER = struct.Struct("<8sIIIIIIII")
_FILE_BYTES = struct.Struct("<I")
_FILE_BYTES_OFFSET = 12
_CRC_OFFSET = 16
_REMEDY = "Remedy: copy the file again, or export it again."


class BundleError(ValueError):
    """A file that is not an intact training bundle of a known version."""


class ArenaBytes(NamedTuple):
    """One target's arena: what it holds in the end, and the smallest one that can be planned in."""

    used: int
    minimum: int


class Header(NamedTuple):
    """Fixed part of the metadata. Sizes in bytes."""

    magic: bytes
    format_version: int
    file_bytes: int
    crc32: int
    arena_bytes_x86_64: int
    minimum_arena_bytes_x86_64: int
    arena_bytes_cortex_m: int
    minimum_arena_bytes_cortex_m: int
    json_bytes: int


def pack_metadata(document: dict[str, Any], x86_64: ArenaBytes, cortex_m: ArenaBytes) -> bytes:
    """The metadata buffer of a bundle, its length and checksum still to be `seal`ed.

    Args:
        document: JSON-serialisable; its keys are the bundle format's.
        x86_64, cortex_m: Predicted arena of each target.

    Returns:
        The buffer. Its length depends on `document` only, so it can be replaced in place.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    return _HEADER.pack(MAGIC, FORMAT_VERSION, 0, 0, *x86_64, *cortex_m, len(text)) + text


def seal(data: bytes) -> bytes:
    """Writes file length and CRC-32 into the header of a finished file; returns the file.

    Raises:
        BundleError: `data` does not hold the metadata header exactly once.
    """
    start = _find_header(data)
    sealed = bytearray(data)
    _FILE_BYTES.pack_into(sealed, start + _FILE_BYTES_OFFSET, len(sealed))
    _FILE_BYTES.pack_into(sealed, start + _CRC_OFFSET, _checksum(sealed, start))
    return bytes(sealed)


def unpack_metadata(data: bytes) -> tuple[Header, dict[str, Any]]:
    """Checks length, version and checksum of a bundle; returns its header and its JSON.

    Raises:
        BundleError: saying which check failed.
    """
    data = bytes(data)
    start = _find_header(data)
    header = Header(*_HEADER.unpack_from(data, start))
    if header.format_version != FORMAT_VERSION:
        raise BundleError(
            f"Bundle must have format version {FORMAT_VERSION}. Received: {header.format_version}. "
            "Remedy: export it again with this release."
        )
    if header.file_bytes != len(data):
        raise BundleError(
            f"Bundle must be {header.file_bytes} bytes long. Received: {len(data)}. It was cut or joined; copy it again."
        )
    checksum = _checksum(data, start)
    if header.crc32 != checksum:
        raise BundleError(
            f"Bundle must have CRC-32 {header.crc32:08x}. Received: {checksum:08x}. The file is damaged; copy it again."
        )
    text = data[start + _HEADER.size : start + _HEADER.size + header.json_bytes]
    return header, _parse_json(text, header.json_bytes)


def _find_header(data: bytes) -> int:
    start = data.find(MAGIC)
    if start < 0 or start + _HEADER.size > len(data):
        raise BundleError(
            f"File must be a training bundle written by export_training_bundle(). Received: no tfdgsu header. {_REMEDY}"
        )
    if data.find(MAGIC, start + 1) >= 0:
        raise BundleError(f"Bundle must hold the tfdgsu header once. Received: more than one. {_REMEDY}")
    return start


def _checksum(data: bytes, start: int) -> int:
    """CRC-32 of the file with the checksum field taken as zero."""
    crc = zlib.crc32(data[: start + _CRC_OFFSET])
    crc = zlib.crc32(bytes(4), crc)
    return zlib.crc32(data[start + _CRC_OFFSET + 4 :], crc)


def _parse_json(text: bytes, json_bytes: int) -> dict[str, Any]:
    if len(text) != json_bytes:
        raise BundleError(f"Metadata must hold {json_bytes} bytes of JSON. Received: {len(text)}. {_REMEDY}")
    try:
        document = json.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BundleError(f"Metadata must be JSON. Received: {error}. {_REMEDY}") from error
    if not isinstance(document, dict):
        raise BundleError(f"Metadata must be a JSON object. Received: {type(document).__name__}. {_REMEDY}")
    return document
