# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The device's check of a bundle accepts what the host's accepts, and says which check failed."""

import ctypes
import pathlib
import struct
import subprocess

import pytest
from tfdgsu.export.metadata import MAGIC, ArenaBytes, pack_metadata, seal, unpack_metadata

RUNTIME = pathlib.Path(__file__).resolve().parents[2] / "micro_runtime"
_WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]


class Header(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint32)
        for name in (
            "format_version",
            "file_bytes",
            "crc32",
            "arena_bytes_x86_64",
            "minimum_arena_bytes_x86_64",
            "arena_bytes_cortex_m",
            "minimum_arena_bytes_cortex_m",
            "json_bytes",
        )
    ]


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """check(data) gives (name of the status, header)."""
    path = tmp_path_factory.mktemp("c") / "bundle.so"
    sources = [RUNTIME / name for name in ("trainer/bundle_header.c", "trainer/status.c", "checkpoint/tfdgsu_crc32.c")]
    flags = [*_WARNINGS, "-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", f"-I{RUNTIME / 'include'}"]
    subprocess.run(["gcc", *flags, "-shared", "-fPIC", "-o", path, *sources], check=True)
    library = ctypes.CDLL(str(path))
    library.TfdgsuStatusName.restype = ctypes.c_char_p
    library.TfdgsuMinimumArenaBytes.restype = ctypes.c_size_t

    def run(data):
        header = Header()
        status = library.TfdgsuCheckBundle(bytes(data), ctypes.c_size_t(len(data)), ctypes.byref(header))
        return library.TfdgsuStatusName(status).decode(), header

    run.library = library
    return run


def small_file():
    metadata = pack_metadata({"a": 1}, ArenaBytes(4000, 4100), ArenaBytes(900, 950))
    return seal(b"before it" + metadata + b"behind")


def test_header_is_read(check, bundle_path):
    data = bundle_path.read_bytes()
    status, header = check(data)
    expected, _ = unpack_metadata(data)
    assert status == "Ok"
    assert tuple(getattr(header, name) for name, _ in Header._fields_) == expected[1:]


def test_every_flipped_bit_is_found(check):
    data = small_file()
    assert check(data)[0] == "Ok"
    statuses = set()
    for i in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[i // 8] ^= 1 << i % 8
        statuses.add(check(flipped)[0])
    assert statuses == {"NotABundle", "BundleVersion", "BundleLength", "BundleDamaged"}


def test_every_cut_is_found(check):
    data = small_file()
    assert {check(data[:n])[0] for n in range(len(data))} == {"NotABundle", "BundleLength"}
    assert check(data + b"\0")[0] == "BundleLength"


def test_a_second_header_is_refused(check):
    assert check(small_file() + MAGIC)[0] == "NotABundle"


def test_another_version_is_named(check):
    data = bytearray(small_file())
    struct.pack_into("<I", data, data.find(MAGIC) + 8, 2)
    assert check(seal(data))[0] == "BundleVersion"


def test_minimum_arena_is_that_of_this_target(check):
    _, header = check(small_file())
    assert check.library.TfdgsuMinimumArenaBytes(ctypes.byref(header)) == 4100
    header.minimum_arena_bytes_x86_64 = 10
    assert check.library.TfdgsuMinimumArenaBytes(ctypes.byref(header)) == 1024


def test_null_pointers_and_unknown_numbers(check):
    assert check.library.TfdgsuStatusName(check.library.TfdgsuCheckBundle(None, 0, None)) == b"NullPointer"
    assert check.library.TfdgsuStatusName(-1) == check.library.TfdgsuStatusName(1000) == b"Unknown"
