# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What fuzzing starts from: real headers, real checkpoints and a case of every custom op, in the targets' formats."""

import pathlib
import re
import struct
import sys
import types

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
_TYPES = {"float32": 1, "int32": 2, "uint8": 3, "int8": 4}
_BYTES = 1  # how a tensor is filled: from the rest of the input
_SIZES = 8  # of cases of an op
_LARGEST_CASE = 8192  # bytes, as long as harness.py lets inputs get
_BUNDLE_ID = (123456, 0xDEADBEEF)  # as checkpoint.c has it


def bundle_header_seeds() -> list[bytes]:
    """Files that are whole, torn, of two headers, of another version."""
    from tfdgsu.export.metadata import MAGIC, ArenaBytes, pack_metadata, seal

    metadata = pack_metadata({"a": 1}, ArenaBytes(4000, 4100), ArenaBytes(900, 950))
    file = seal(b"before it" + metadata + b"behind")
    other = bytearray(file)
    other[file.find(MAGIC) + 8] = 9
    files = [b"", file, file[:-1], file + MAGIC, metadata[:39], bytes(other), MAGIC[:5] + file]
    return [flag + data for data in files for flag in (b"\0", b"\1")]


def checkpoint_seeds() -> list[bytes]:
    """Slots that are blank, ours, of another bundle, version or set of variables; storage that fails."""
    from tfdgsu.micro_runtime.weights_file import encode_weights

    def blob(sizes, sequence, bundle_id=_BUNDLE_ID):
        described = {
            f"v{i}": types.SimpleNamespace(shape=(n,), dtype="int8", name=f"v{i}") for i, n in enumerate(sizes)
        }
        header = types.SimpleNamespace(file_bytes=bundle_id[0], crc32=bundle_id[1])
        values = {f"v{i}": np.arange(n, dtype=np.int8) for i, n in enumerate(sizes)}
        return encode_weights(types.SimpleNamespace(variables=described, header=header), values, sequence=sequence)

    ours, later, wrapped = blob((3, 5), 7), blob((3, 5), 8), blob((3, 5), 2**32 - 1)
    foreign, fewer = blob((3, 5), 9, (1, 2)), blob((3,), 9)
    pairs = [
        (b"", b""),
        (ours, later),
        (later, ours),
        (wrapped, blob((3, 5), 0)),
        (ours, foreign),
        (fewer, foreign),
        (ours[:-1], later),
    ]
    head = struct.pack("<7B", 7, 15, 0, 0, 2, 3, 5)
    seeds = [head + bytes(6) + _halves(*pair) for pair in pairs]
    for fault in range(4):
        for number in (1, 2, 3, 5, 8):
            faults = bytearray(4)
            faults[fault] = number
            for flags in (0, 3):
                start = struct.pack("<7B", 7, 15, 0, flags, 2, 3, 5)
                seeds.append(start + bytes(faults) + b"\0\xc0" + _halves(ours, later))
    # Another bundle's id that a wrong bit, read once, makes ours.
    almost = [
        (blob((3, 5), 7, (_BUNDLE_ID[0] ^ 1, _BUNDLE_ID[1])), 8 * 16),
        (blob((3, 5), 7, (_BUNDLE_ID[0], _BUNDLE_ID[1] ^ 0x80)), 8 * 20 + 7),
    ]
    for data, bit in almost:
        seeds.append(head + bytes((0, 1, 0, 0)) + bit.to_bytes(2, "big") + _halves(data, b""))
    sense = struct.pack("<4B4I", 0, 0, 0, 16, 4096, 8, 4, 0)
    return [*seeds, sense, struct.pack("<4B4I", 0, 0, 0, 16, 1 << 31, 1, 2, 0xFFFFFFFF)]


def _halves(first: bytes, second: bytes) -> bytes:
    """Two slots of 128 bytes."""
    return first.ljust(128, b"\xff") + second.ljust(128, b"\xff")


def ops_seeds() -> list[bytes]:
    """Cases of every op, with all sets of operands and of many sizes, and with operands that are too small."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        import op_cases
    finally:
        sys.path.remove(str(ROOT / "tests"))

    by_name = {name: {} for name in op_names()}
    for case in (*op_cases.all_cases(), _load_variables(op_cases)):
        data = _case_seed(case, case.inputs)
        if data is not None:
            operands = tuple(None if array is None else array.dtype for array in (*case.inputs, *case.outputs))
            by_name[case.name].setdefault(operands, []).append((data, case))
    seeds = []
    for groups in by_name.values():
        smallest = [min(group, key=lambda pair: len(pair[0])) for group in groups.values()]
        ordered = sorted((data for group in groups.values() for data, _ in group), key=len)
        steps = [ordered[i * (len(ordered) - 1) // _SIZES] for i in range(_SIZES + 1)]
        near_misses = [data for _, case in smallest for data in _near_misses(case)]
        seeds += dict.fromkeys([*(data for data, _ in smallest), *steps, *near_misses])
    return seeds


def _case_seed(case, inputs: list) -> bytes | None:
    from tfdgsu.export.ops.custom import pack_options

    return op_seed(case.name, pack_options(case.name, case.options), inputs, case.outputs)


def _near_misses(case):
    """The case with each of its inputs in turn one shorter in its last axis: what nothing but a check of sizes refuses."""
    for i, array in enumerate(case.inputs):
        if array is None or array.ndim == 0 or array.shape[-1] < 2:
            continue
        data = _case_seed(case, [*case.inputs[:i], array[..., :-1], *case.inputs[i + 1 :]])
        if data is not None:
            yield data


def _load_variables(op_cases):
    """The op that the cases leave out, because it has a test of its own."""
    values = [np.arange(6, dtype=np.float32), np.arange(4, dtype=np.int8).reshape(2, 2)]
    variables = [np.zeros_like(value) for value in values]
    return op_cases.Case("load", "TfdgsuLoadVariables", [*values, *variables], {"n_variables": 2}, [])


def op_seed(name: str, options: bytes, inputs: list, outputs: list) -> bytes | None:
    """An op with its operands, arrays or None, in the format of ops.c; None if that can't hold it."""
    arrays = [*inputs, *outputs]
    present = [array for array in arrays if array is not None]
    if len(options) > 255 or any(size > 247 for array in present for size in array.shape):
        return None
    head = bytes((op_names().index(name), len(inputs), len(outputs), len(options))) + options
    for array in arrays:
        head += (
            b"\0" if array is None else bytes((_TYPES[array.dtype.name] | array.ndim << 3 | _BYTES << 6, *array.shape))
        )
    data = head + b"".join(array.tobytes() for array in present)
    return data if len(data) <= _LARGEST_CASE else None


def op_names() -> list[str]:
    """Op strings in the order of ops.inc."""
    text = (ROOT / "micro_runtime" / "tflm" / "ops.inc").read_text()
    return [f"Tfdgsu{name}" for name in re.findall(r"^TFDGSU_OP\((\w+),", text, re.MULTILINE)]


SEEDS = {"bundle_header": bundle_header_seeds, "checkpoint": checkpoint_seeds, "ops": ops_seeds}
