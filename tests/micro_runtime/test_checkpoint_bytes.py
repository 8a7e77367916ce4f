# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that travel as bytes: what C exports is what Python writes, and what does not belong changes nothing."""

import ctypes
import pathlib
import struct
import subprocess
import types
import zlib

import numpy as np
import pytest
from tfdgsu.micro_runtime.weights_file import decode_weights, encode_weights

RUNTIME = pathlib.Path(__file__).resolve().parents[2] / "micro_runtime"
FLAGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", f"-I{RUNTIME / 'include'}"]
BUNDLE_ID = (123456, 0xDEADBEEF)
SIZES = (5, 0, 1, 64, 333)
OLD = 0x5A


class Segment(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_uint32)]


class Variables:
    """Segments of one byte pattern each, and the bundle that Python takes them for."""

    def __init__(self, sizes, seed=None):
        rng = np.random.default_rng(seed)
        self.arrays = [rng.integers(-128, 128, n).astype(np.int8) if seed else np.full(n, OLD, np.int8) for n in sizes]
        self.segments = (Segment * len(sizes))(
            *[Segment(a.ctypes.data if a.size else None, a.size) for a in self.arrays]
        )
        names = [f"v{i}" for i in range(len(sizes))]
        items = {n: types.SimpleNamespace(name=n, shape=a.shape, dtype="int8") for n, a in zip(names, self.arrays)}
        header = types.SimpleNamespace(file_bytes=BUNDLE_ID[0], crc32=BUNDLE_ID[1])
        self.bundle = types.SimpleNamespace(variables=items, header=header)
        self.values = dict(zip(names, self.arrays))
        self.id = (ctypes.c_uint32 * 2)(*BUNDLE_ID)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("c") / "checkpoint.so"
    sources = sorted((RUNTIME / "checkpoint").glob("*.c"))
    sanitize = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
    subprocess.run(["gcc", *FLAGS, "-O1", *sanitize, "-shared", "-fPIC", "-o", path, *sources], check=True)
    loaded = ctypes.CDLL(str(path))
    loaded.tfdgsu_checkpoint_status_name.restype = ctypes.c_char_p
    return loaded


def export(library, variables, room):
    """(status, what was written, the length that was stated); bytes behind `room` must stay as they are."""
    buffer, length = (ctypes.c_uint8 * (room + 16))(*[OLD] * (room + 16)), ctypes.c_uint32(7)
    arguments = (variables.id, variables.segments, len(variables.segments), buffer, room, ctypes.byref(length))
    status = library.tfdgsu_checkpoint_status_name(library.tfdgsu_checkpoint_export(*arguments)).decode()
    assert bytes(buffer[room:]) == bytes([OLD] * 16)
    return status, bytes(buffer[: min(length.value, room)]), length.value


def receive(library, variables, data):
    # At an odd address: what arrives over a wire lies where it lies.
    memory = ctypes.create_string_buffer(b"\0" + bytes(data), len(data) + 1)
    arguments = (variables.id, variables.segments, len(variables.segments), ctypes.byref(memory, 1), len(data))
    return library.tfdgsu_checkpoint_status_name(library.tfdgsu_checkpoint_import(*arguments)).decode()


def test_export_is_what_python_writes(library):
    variables = Variables(SIZES, seed=1)
    expected = encode_weights(variables.bundle, variables.values)
    assert export(library, variables, len(expected)) == ("ok", expected, len(expected))
    assert export(library, variables, len(expected) + 9)[:2] == ("ok", expected)
    received = decode_weights(expected, variables.bundle)
    assert all((received[name] == value).all() for name, value in variables.values.items())


def test_a_buffer_that_is_too_small_is_left_alone(library):
    variables = Variables(SIZES, seed=1)
    n_bytes = len(encode_weights(variables.bundle, variables.values))
    for room in (0, 1, 31, n_bytes - 1):
        status, written, stated = export(library, variables, room)
        assert (status, stated) == ("too_large", n_bytes) and set(written) <= {OLD}


def test_import_takes_what_python_or_a_device_wrote(library):
    source = Variables(SIZES, seed=2)
    for sequence in (0, 1, 2**32 - 1):
        target = Variables(SIZES)
        assert receive(library, target, encode_weights(source.bundle, source.values, sequence)) == "ok"
        assert all((a == b).all() for a, b in zip(source.arrays, target.arrays))


def refuse(library, data, status):
    target = Variables(SIZES)
    assert receive(library, target, data) == status
    assert all((array == OLD).all() for array in target.arrays)


def test_every_flipped_bit_and_every_cut_is_refused(library):
    source = Variables(SIZES, seed=3)
    blob = encode_weights(source.bundle, source.values)
    for bit in range(8 * len(blob)):
        flipped = bytearray(blob)
        flipped[bit // 8] ^= 1 << bit % 8
        refuse(library, flipped, "damaged")
    for n in range(len(blob)):
        refuse(library, blob[:n], "damaged")
    refuse(library, blob + b"\0", "damaged")
    refuse(library, blob + blob, "damaged")


@pytest.mark.parametrize(
    ("offset", "value", "status"),
    [
        (8, 1, "other_version"),
        (8, 3, "other_version"),
        (16, 123457, "other_bundle"),
        (20, 0xDEADBEEE, "other_bundle"),
        (28, 4, "other_variables"),
        (32, 6, "other_variables"),
        (12, 0xFFFFFFFF, "damaged"),
    ],
)
def test_an_intact_blob_that_does_not_belong_is_named(library, offset, value, status):
    source = Variables(SIZES, seed=3)
    blob = bytearray(encode_weights(source.bundle, source.values))
    struct.pack_into("<I", blob, offset, value)
    struct.pack_into("<I", blob, len(blob) - 4, zlib.crc32(blob[:-4]))
    refuse(library, blob, status)


def test_null_pointers_are_refused(library):
    variables, length = Variables(SIZES, seed=1), ctypes.c_uint32()
    n, buffer = len(SIZES), ctypes.create_string_buffer(1000)
    for arguments in (
        (None, variables.segments, n, buffer, 1000, ctypes.byref(length)),
        (variables.id, None, n, buffer, 1000, ctypes.byref(length)),
        (variables.id, variables.segments, n, None, 1000, ctypes.byref(length)),
        (variables.id, variables.segments, n, buffer, 1000, None),
    ):
        status = library.tfdgsu_checkpoint_export(*arguments)
        assert library.tfdgsu_checkpoint_status_name(status) == b"bad_argument"
    status = library.tfdgsu_checkpoint_import(variables.id, variables.segments, n, None, 1000)
    assert library.tfdgsu_checkpoint_status_name(status) == b"bad_argument"
