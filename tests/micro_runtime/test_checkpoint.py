# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The checkpoint library: power cuts on simulated flash, and the same blob read by C and by Python."""

import ctypes
import pathlib
import re
import shutil
import struct
import subprocess
import types

import numpy as np
import pytest
from tfdgsu.export.metadata import unpack_metadata
from tfdgsu.micro_runtime import Session, WeightsFileError
from tfdgsu.micro_runtime.weights_file import decode_weights, encode_weights

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "micro_runtime"
SOURCES = sorted(str(path) for path in (RUNTIME / "checkpoint").glob("*.c"))
FLAGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", f"-I{RUNTIME / 'include'}"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
CORTEX_M4 = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"]
# As check_checkpoints.c has them.
BUNDLE_ID = (123456, 0xDEADBEEF)
OK, EMPTY, DAMAGED = 0, 1, 2


def compile_quietly(command, folder):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0 and not result.stderr, result.stderr[-3000:]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a C driver under sanitizers; returns the numbers that it printed."""

    def build_and_run(name, *arguments):
        folder = tmp_path_factory.mktemp(name)
        driver = str(ROOT / "tests" / "micro_runtime" / f"{name}.c")
        compile_quietly(["gcc", "-O1", *FLAGS, *SANITIZERS, driver, *SOURCES, "-o", "check"], folder)
        result = subprocess.run([folder / "check", *arguments], capture_output=True, text=True, check=False)
        assert result.returncode == 0 and not result.stderr, result.stderr[-3000:]
        return [int(number) for number in re.findall(r"\d+", result.stdout)]

    return build_and_run


@pytest.mark.slow
def test_power_cuts_at_every_byte_leave_old_or_new_weights(run, tmp_path):
    (n_cuts,) = run("check_power_cuts", tmp_path / "images")
    assert n_cuts > 150_000
    check_images((tmp_path / "images").read_bytes())


def test_bit_rot_foreign_blobs_and_failing_storage(run):
    n_flips, n_others = run("check_checkpoints")
    assert n_flips == 4096 and n_others > 150


def fake_bundle(sizes, bundle_id=BUNDLE_ID):
    variables = {f"v{i}": types.SimpleNamespace(name=f"v{i}", shape=(n,), dtype="int8") for i, n in enumerate(sizes)}
    header = types.SimpleNamespace(file_bytes=bundle_id[0], crc32=bundle_id[1])
    return types.SimpleNamespace(variables=variables, header=header)


def newest(slots, bundle):
    """Sequence number and payload of the newest slot that Python accepts, or None."""
    found = []
    for slot in slots:
        (length,) = struct.unpack_from("<I", slot, 12)
        try:
            values = decode_weights(slot[:length], bundle)
        except WeightsFileError:
            continue
        found.append((*struct.unpack_from("<I", slot, 24), b"".join(v.tobytes() for v in values.values())))
    return max(found, default=None)


def check_images(data):
    """Python must accept of torn slots what the device restored from them."""
    at, seen = 0, {OK: 0, EMPTY: 0, DAMAGED: 0}
    while at < len(data):
        slot_bytes, status, large, n_bytes = struct.unpack_from("<4I", data, at)
        image, at = data[at + 16 : at + 16 + 2 * slot_bytes], at + 16 + 2 * slot_bytes
        payload, at = data[at : at + n_bytes], at + n_bytes
        accepted = newest((image[:slot_bytes], image[slot_bytes:]), fake_bundle((13, 0, 1, large, 4)))
        assert (accepted is None) == (status != OK)
        assert accepted is None or accepted[1] == payload
        seen[status] += 1
    assert seen[OK] > 500 and seen[DAMAGED] > 100 and seen[EMPTY] > 5, seen


def test_blob_is_what_the_header_says():
    values = {"v0": np.array([1, -2, 3], np.int8), "v1": np.zeros(0, np.int8)}
    data = encode_weights(fake_bundle((3, 0)), values, sequence=7)
    assert data[:-4] == b"TFDGSW\r\n" + struct.pack("<8I", 2, 47, *BUNDLE_ID, 7, 2, 3, 0) + b"\x01\xfe\x03"
    crc = 0xFFFFFFFF
    for byte in data[:-4]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    assert data[-4:] == struct.pack("<I", crc ^ 0xFFFFFFFF)


class Device:
    """The library, compiled for this machine, and a flash of two slots, in Python."""

    ERASE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)
    PROGRAM = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)
    PAGE_BYTES, PROGRAM_BYTES, SLOT_PAGES = 1024, 8, 12

    class Storage(ctypes.Structure):
        """TfdgsuCheckpointStorage."""

    class Segment(ctypes.Structure):
        """TfdgsuCheckpointSegment."""

        _fields_ = (("data", ctypes.c_void_p), ("bytes", ctypes.c_uint32))

    Storage._fields_ = (
        ("context", ctypes.c_void_p),
        ("erase", ERASE),
        ("program", PROGRAM),
        ("read", PROGRAM),
        *((name, ctypes.c_uint32) for name in ("page_bytes", "program_bytes", "slot_pages")),
    )

    def __init__(self, folder):
        compile_quietly(["gcc", "-O1", *FLAGS, "-fPIC", "-shared", *SOURCES, "-o", "library.so"], folder)
        self.library = ctypes.CDLL(str(folder / "library.so"))
        self.slot_bytes = self.PAGE_BYTES * self.SLOT_PAGES
        self.flash = bytearray(b"\xff" * 2 * self.slot_bytes)
        callbacks = (self.ERASE(self._erase), self.PROGRAM(self._program), self.PROGRAM(self._read))
        self.storage = self.Storage(None, *callbacks, self.PAGE_BYTES, self.PROGRAM_BYTES, self.SLOT_PAGES)

    def _erase(self, _, page):
        self.flash[page * self.PAGE_BYTES : (page + 1) * self.PAGE_BYTES] = b"\xff" * self.PAGE_BYTES
        return 0

    def _program(self, _, offset, data, n):
        self.flash[offset : offset + n] = ctypes.string_at(data, n)
        return 0

    def _read(self, _, offset, data, n):
        ctypes.memmove(data, bytes(self.flash[offset : offset + n]), n)
        return 0

    def call(self, name, bundle_bytes, arrays):
        """Status of save or restore of some arrays, which restore writes into."""
        bundle_id = (ctypes.c_uint32 * 2)()
        assert self.library.tfdgsu_checkpoint_bundle_id(bundle_bytes, len(bundle_bytes), bundle_id) == OK
        segments = (self.Segment * len(arrays))(*((array.ctypes.data, array.nbytes) for array in arrays))
        function = getattr(self.library, f"tfdgsu_checkpoint_{name}")
        return function(ctypes.byref(self.storage), bundle_id, segments, len(arrays))


def test_checkpoint_moves_between_device_and_session(bundle_path, examples, tmp_path):
    bundle, session, device = bundle_path.read_bytes(), Session(bundle_path), Device(tmp_path)
    for x, y in zip(*examples):
        session.train(x, y, 0.05)
    trained = session.variables()

    # A device saves; its slot, cut to the blob's length, is a file.
    assert device.call("save", bundle, list(trained.values())) == OK
    length = int.from_bytes(device.flash[12:16], "little")
    (tmp_path / "device.tfdw").write_bytes(device.flash[:length])
    session.reset()
    session.restore(tmp_path / "device.tfdw")
    for name, value in session.variables().items():
        np.testing.assert_array_equal(value, trained[name])

    # A session saves; its file, written to the start of a slot, is a checkpoint.
    session.save(tmp_path / "session.tfdw")
    file = (tmp_path / "session.tfdw").read_bytes()
    assert len(file) == length and file[28:-4] == device.flash[28 : length - 4]
    device.flash[:] = file.ljust(2 * device.slot_bytes, b"\xff")
    restored = [np.zeros_like(value) for value in trained.values()]
    assert device.call("restore", bundle, restored) == OK
    for actual, expected in zip(restored, trained.values()):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[8:], lambda data: b"", lambda data: data + b"1"]
)
def test_bundle_id_is_that_of_a_whole_bundle(bundle_path, tmp_path, damage):
    library, data, bundle_id = Device(tmp_path).library, bundle_path.read_bytes(), (ctypes.c_uint32 * 2)()
    assert library.tfdgsu_checkpoint_bundle_id(data, len(data), bundle_id) == OK
    header, _ = unpack_metadata(data)
    assert tuple(bundle_id) == (header.file_bytes, header.crc32)
    data = damage(data)
    assert library.tfdgsu_checkpoint_bundle_id(data, len(data), bundle_id) != OK


def stack_frames(compiler, folder):
    """Bytes of stack by function."""
    compile_quietly([*compiler, "-Os", *FLAGS, "-fstack-usage", "-c", *SOURCES], folder)
    lines = [line for path in folder.glob("*.su") for line in path.read_text().splitlines()]
    assert all(line.endswith("static") for line in lines), lines
    return {line.split("\t")[0].split(":")[-1]: int(line.split("\t")[1]) for line in lines}


@pytest.mark.parametrize("compiler", [["gcc"], CORTEX_M4], ids=["host", "cortex_m4"])
def test_stack_is_within_what_the_header_promises(tmp_path, compiler):
    if not shutil.which(compiler[0]):
        pytest.skip(f"needs {compiler[0]}")
    header = (RUNTIME / "include" / "tfdgsu" / "checkpoint.h").read_text()
    promised = int(re.search(r"#define TFDGSU_CHECKPOINT_STACK_BYTES (\d+)", header)[1])
    frames = stack_frames(compiler, tmp_path)
    # As if every function of the library were in one chain, but the other entry points; small leaves may be inlined.
    entries = {name: n for name, n in frames.items() if re.fullmatch(r"tfdgsu_checkpoint_(save|restore|find)", name)}
    leaves = [frames[name] for name in ("tfdgsu_crc32", "tfdgsu_checkpoint_bytes", "tfdgsu_checkpoint_newest")]
    writing = sum(frames.get(name, 0) for name in ("WriteBlob", "Write", "Flush"))
    deepest = entries.pop("tfdgsu_checkpoint_save") + max(writing, frames["tfdgsu_checkpoint_inspect"]) + max(leaves)
    others = max(entries.values()) + frames["tfdgsu_checkpoint_inspect"] + sum(leaves)
    assert max(deepest, others) <= promised
    assert promised < 2 * deepest, "the promise is far from what is measured"


@pytest.mark.skipif(not shutil.which(CORTEX_M4[0]), reason="needs arm-none-eabi-gcc")
def test_no_globals_and_no_heap(tmp_path):
    compile_quietly([*CORTEX_M4, "-Os", *FLAGS, "-c", *SOURCES], tmp_path)
    objects = sorted(str(path) for path in tmp_path.glob("*.o"))
    sizes = subprocess.run(["arm-none-eabi-size", *objects], capture_output=True, text=True, check=True).stdout
    rows = [[int(field) for field in line.split()[:3]] for line in sizes.splitlines()[1:]]
    assert all(data == bss == 0 for _, data, bss in rows) and sum(text for text, _, _ in rows) < 3072
    symbols = subprocess.run(["arm-none-eabi-nm", "-u", *objects], capture_output=True, text=True, check=True).stdout
    outside = {line.split()[1] for line in symbols.splitlines() if " U " in line}
    outside = {name for name in outside if not name.startswith(("tfdgsu_", "kTfdgsu"))}
    assert outside <= {"memcpy", "memcmp", "memset", "memmove", "__aeabi_uidiv"}


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
def test_header_is_cpp_too(tmp_path):
    (tmp_path / "main.cc").write_text(
        '#include "tfdgsu/checkpoint.h"\n'
        "int main() { return tfdgsu_checkpoint_status_name(kTfdgsuCheckpointOk)[0] != 'o'; }\n"
    )
    compile_quietly(["gcc", *FLAGS, "-c", *SOURCES], tmp_path)
    objects = sorted(str(path) for path in tmp_path.glob("*.o"))
    flags = ["-std=c++17", "-Wall", "-Werror", f"-I{RUNTIME / 'include'}"]
    compile_quietly(["g++", *flags, "main.cc", *objects, "-o", "main"], tmp_path)
    subprocess.run([tmp_path / "main"], check=True)
