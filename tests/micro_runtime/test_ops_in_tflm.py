# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every op, alone in a model, in the real interpreter, against its NumPy reference."""

import numpy as np
import one_op_model
import op_cases
import pytest
import tolerances
from tfdgsu.export.ops.custom import REGISTRY, TensorSpec, pack_options
from tfdgsu.micro_runtime import InterpreterError
from tfdgsu.micro_runtime.interpreter import Interpreter

# LoadVariables needs constants; test_load_variables.py has its model.
CASES = op_cases.all_cases()
IDS = [case.id for case in CASES]
FORWARD_OPS = {"TfdgsuConvBlock"}  # part of the forward pass, they run at inference too


def test_every_op_has_a_case():
    assert {case.name for case in CASES} | {"TfdgsuLoadVariables"} == set(REGISTRY)


def _in_float64(array):
    return array.astype(np.float64) if array is not None and array.dtype == np.float32 else array


def _assert_close(actual, expected, what, exact):
    if actual is None:
        return
    if actual.dtype == np.float32 and not exact:
        np.testing.assert_allclose(
            actual, expected, rtol=tolerances.KERNEL_RTOL, atol=tolerances.KERNEL_ATOL, err_msg=what
        )
    else:
        np.testing.assert_array_equal(actual, expected, err_msg=what)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_op_equals_reference(case):
    inputs, outputs = one_op_model.run(*case[1:])
    exact = op_cases.is_exact(case.name)
    widen = (lambda array: array) if exact else _in_float64
    arguments = [None if array is None else widen(array) for array in case.inputs]
    expected_inputs, expected_outputs = one_op_model.run_reference(case.name, arguments, case.options, case.outputs)
    for i, (actual, expected) in enumerate(zip(inputs, expected_inputs)):
        _assert_close(actual, expected, f"input {i}", exact)
    for actual, expected in zip(outputs, expected_outputs):
        _assert_close(actual, expected, "output", exact)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_op_passes_its_shape_rule(case):
    specs = [None if a is None else TensorSpec(a.shape, a.dtype.name) for a in case.inputs]
    REGISTRY[case.name].check(specs, [TensorSpec(a.shape, a.dtype.name) for a in case.outputs], case.options)


@pytest.mark.parametrize("case", [c for c in CASES[::7] if c.name not in FORWARD_OPS], ids=lambda case: case.id)
@pytest.mark.parametrize("train", [0, 2, -1])
def test_op_does_nothing_unless_training(case, train):
    before = [op_cases.flag(train), *case.inputs[1:]]
    inputs, outputs = one_op_model.run(case.name, before, case.options, case.outputs)
    for actual, expected in zip([*inputs, *outputs], [*before, *case.outputs]):
        np.testing.assert_array_equal(actual, expected)


def _first_case_of_each_op():
    return list({case.name: case for case in reversed(CASES)}.values())


def _breakages(case):
    """Ways to make a well-formed op wrong: a missing operand, a shape, a type, the options."""
    specs = [None if a is None else (a.shape, a.dtype) for a in case.inputs]
    results = [(a.shape, a.dtype) for a in case.outputs]
    packed = pack_options(case.name, case.options)
    yield specs[:-1], results, packed
    yield [*specs, ((1,), np.float32)], results, packed
    yield specs, [*results, ((1,), np.float32)], packed
    yield specs, results, packed[:-1]
    yield specs, results, b"\2" + packed[1:]
    yield specs, results, b""
    for i, spec in enumerate(specs):
        if spec is not None:
            shape, dtype = spec
            other = np.int32 if dtype == np.float32 else np.float32
            yield [*specs[:i], (shape, other), *specs[i + 1 :]], results, packed
            yield [*specs[:i], ((*shape, 9), dtype), *specs[i + 1 :]], results, packed


@pytest.mark.parametrize("case", _first_case_of_each_op(), ids=lambda case: case.name)
def test_prepare_refuses_a_malformed_op(case, capfd):
    for specs, results, packed in _breakages(case):
        model = one_op_model.build(case.name, specs, results, case.options, options_bytes=packed)
        with pytest.raises(InterpreterError, match="failed to prepare"):
            Interpreter(model, 1 << 20)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        case.name
        for case in _first_case_of_each_op()
        if "channels" in case.id or "GradFilter" in case.name or "Gather" in case.name
    ],
)
def test_invoke_refuses_channels_out_of_range(name):
    case = next(
        c for c in CASES if c.name == name and [a for a in c.inputs if a is not None and a.dtype == np.int32][1:]
    )
    position = next(i for i, a in enumerate(case.inputs) if i > 0 and a is not None and a.dtype == np.int32)
    for bad in (-1, 10_000):
        inputs = list(case.inputs)
        inputs[position] = np.full_like(inputs[position], bad)
        with pytest.raises(InterpreterError, match="failed to invoke"):
            one_op_model.run(name, inputs, case.options, case.outputs)


@pytest.mark.parametrize("name", [name for name in REGISTRY if "entropy" in name or "Squared" in name])
def test_non_finite_loss_stops_the_step(name):
    case = next(c for c in CASES if c.name == name)
    y = case.inputs[1].copy()
    y.flat[0] = np.nan
    inputs, (loss, _) = one_op_model.run(name, [case.inputs[0], y, case.inputs[2]], case.options, case.outputs)
    assert not np.isfinite(loss[0])
    assert inputs[0][0] == 0


@pytest.mark.parametrize("label", [-1, 10, 2**31 - 1])
def test_label_out_of_range_stops_the_step(label):
    case = next(c for c in CASES if c.id == "sparse-3-10-0")
    labels = case.inputs[2].copy()
    labels[1] = label
    inputs, (loss, _) = one_op_model.run(case.name, [*case.inputs[:2], labels], case.options, case.outputs)
    assert np.isnan(loss[0]) and inputs[0][0] == 0
