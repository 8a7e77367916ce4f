# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of `op_cases` as a file that `micro_runtime/run_case.h` reads, and what it must write."""

import importlib.util
import pathlib

import numpy as np
import one_op_model
import op_cases
import tolerances
from tfdgsu.export.ops.custom import pack_options

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUNTIME = ROOT / "micro_runtime"
DRIVER = ROOT / "tests" / "micro_runtime" / "run_cases.c"
_TYPES = {"float32": 1, "int32": 2, "uint8": 3, "int8": 9}
_CONSTANT = 256  # added to the type


def include_flags(generated):
    """Include flags of kernels and adapters; options.h is generated into a folder."""
    spec = importlib.util.spec_from_file_location("generate_options", RUNTIME / "generate_options.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_header(ROOT, generated)
    return [f"-I{RUNTIME / 'include'}", f"-I{generated}", f"-I{RUNTIME / 'tflm'}"]


def write_cases(path):
    """Writes every case."""
    with open(path, "wb") as file:
        for case in op_cases.all_cases():
            write_case(file, case)


def write_case(file, case, constants=()):
    """Appends a case to an open file; `constants` are the positions of inputs that lie in a board's flash."""
    options = pack_options(case.name, case.options)
    file.write(case.name.encode().ljust(64, b"\0") + _ints(len(case.inputs), len(case.outputs), len(options)))
    file.write(options)
    for position, array in enumerate((*case.inputs, *case.outputs)):
        file.write(_ints(0) if array is None else _tensor(array, position in constants))


def _ints(*numbers):
    return b"".join(n.to_bytes(4, "little") for n in numbers)


def _tensor(array, is_constant):
    type_code = _TYPES[array.dtype.name] + _CONSTANT * is_constant
    return _ints(type_code, array.ndim, *array.shape, array.nbytes) + array.tobytes()


def expected_results():
    """(case, tensors after it by the NumPy reference) of every case; takes seconds."""
    expected = []
    for case in op_cases.all_cases():
        inputs, outputs = one_op_model.run_reference(case.name, case.inputs, case.options, case.outputs)
        expected.append((case, [array for array in (*inputs, *outputs) if array is not None]))
    return expected


def compare_bits(data, other):
    """Compares what two drivers wrote bit for bit. NaN counts as one value: x86 and Arm make it with different signs."""
    assert len(data) == len(other)
    at = 0
    for case in op_cases.all_cases():
        for array in (*case.inputs, *case.outputs):
            if array is not None:
                one, two = (np.frombuffer(each, array.dtype, array.size, at) for each in (data, other))
                at += array.nbytes
                is_number = ~np.isnan(one)
                np.testing.assert_array_equal(is_number, ~np.isnan(two), err_msg=case.id)
                assert one[is_number].tobytes() == two[is_number].tobytes(), case.id
    assert at == len(data)


def compare_results(data, expected):
    """Compares what the driver wrote: exactly, or within the tolerance of a float32 kernel."""
    at = 0
    for case, arrays in expected:
        close = {"rtol": tolerances.KERNEL_RTOL, "atol": tolerances.KERNEL_ATOL}
        if op_cases.is_exact(case.name):
            close = {"rtol": 0, "atol": 0}
        for array in arrays:
            actual = np.frombuffer(data, array.dtype, array.size, at).reshape(array.shape)
            at += array.nbytes
            np.testing.assert_allclose(actual, array, **close, err_msg=case.id)
    assert at == len(data)
