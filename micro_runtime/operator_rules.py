# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which ops a model may hold and what must hold for each before TFLM, which trusts, sees it.

Every op has a full shape rule.
"""

import numpy as np

from ..export.ops.custom import REGISTRY, TensorSpec, unpack_options
from .errors import REMEDY, BundleError
from .frozen_rules import FROZEN_RULES
from .int8_rules import INT8_RULES
from .model import CUSTOM, Model, Operator, Tensor
from .movement_rules import MOVEMENT_RULES
from .shape_rules import RULES

# (fewest inputs, most inputs, outputs) by builtin code of the ops that the pinned wheel runs on float32. Values
# from TFLM's kernels.
OTHER_OPS = {
    5: (1, 1, 1),  # DEPTH_TO_SPACE
    26: (1, 1, 1),  # SPACE_TO_DEPTH
    36: (2, 2, 1),  # GATHER
    37: (3, 3, 1),  # BATCH_TO_SPACE_ND
    38: (3, 3, 1),  # SPACE_TO_BATCH_ND
    39: (2, 2, 1),  # TRANSPOSE
    43: (1, 1, 1),  # SQUEEZE
    45: (4, 4, 1),  # STRIDED_SLICE
    65: (3, 3, 1),  # SLICE
    67: (3, 4, 1),  # TRANSPOSE_CONV
    70: (2, 2, 1),  # EXPAND_DIMS
    77: (1, 1, 1),  # SHAPE
    83: (1, 10, 1),  # PACK
    100: (2, 2, 1),  # MIRROR_PAD
    126: (2, 2, 1),  # BATCH_MATMUL
    130: (2, 2, 1),  # BROADCAST_TO
}
_SHAPE = 77
# Inputs that TFLM's Prepare reads: they must be constants, or it reads through a null pointer.
_CONSTANT_INPUTS = {
    37: (1, 2),
    38: (1, 2),
    39: (1,),
    45: (1, 2, 3),
    65: (1, 2),
    67: (0,),
    70: (1,),
    100: (1,),
    130: (1,),
}


def check_operators(model: Model) -> None:
    """Checks every op of a model.

    Raises:
        BundleError: naming the op's position and the rule.
    """
    written = set(model.inputs) | {i for i, t in enumerate(model.tensors) if t.data is not None or t.is_variable}
    for position, operator in enumerate(model.operators):
        try:
            _check_operator(model, operator)
        except (ValueError, OverflowError) as error:
            raise BundleError(f"Op {position} of the bundle must be well-formed: {error} {REMEDY}") from error
        unset = [i for i in operator.inputs if i >= 0 and i not in written]
        if unset:
            raise BundleError(f"Op {position} must read tensors that are written before. Received: {unset}. {REMEDY}")
        rewritten = [i for i in operator.outputs if i in written]
        if rewritten:
            raise BundleError(f"Op {position} must write tensors of its own. Received: {rewritten}. {REMEDY}")
        written.update(operator.outputs)
    missing = [i for i in model.outputs if i not in written]
    if missing:
        raise BundleError(f"Subgraph outputs must be written by an op. Received: {missing}. {REMEDY}")


def _check_operator(model: Model, operator: Operator) -> None:
    inputs = [None if i < 0 else model.tensors[i] for i in operator.inputs]
    outputs = [model.tensors[i] for i in operator.outputs]
    if operator.builtin_code == CUSTOM:
        _check_custom(operator, inputs, outputs)
        return
    if operator.builtin_code in RULES:
        RULES[operator.builtin_code](operator, inputs, outputs)
    else:
        _check_other(operator, inputs, outputs)
    if any(tensor is not None and tensor.dtype == "int8" for tensor in (*inputs, *outputs)):
        _check_int8(operator, inputs, outputs)


def _check_int8(operator: Operator, inputs: list[Tensor | None], outputs: list[Tensor]) -> None:
    if operator.builtin_code not in INT8_RULES:
        raise ValueError(
            f"it must be an op that bundles may hold in int8. Received: builtin code {operator.builtin_code}."
        )
    INT8_RULES[operator.builtin_code](operator, inputs, outputs)


def _check_custom(operator: Operator, inputs: list[Tensor | None], outputs: list[Tensor]) -> None:
    name = operator.custom_code
    options = unpack_options(name, operator.custom_options)
    op = REGISTRY[name]
    specs = [None if t is None else TensorSpec(t.shape, t.dtype) for t in inputs]
    op.check(specs, [TensorSpec(t.shape, t.dtype) for t in outputs], options)
    for position in op.mutates(options):
        if inputs[position] is not None and not inputs[position].is_variable:
            raise ValueError(f"{name}: input {position} must be a variable. Received: '{inputs[position].name}'.")
    if name == "TfdgsuLoadVariables":
        for tensor in inputs[: options["n_variables"]]:
            if tensor.data is None:
                raise ValueError(f"{name}: factory values must be constants. Received: '{tensor.name}'.")
    _check_constant_channels(op, inputs, options)


def _check_constant_channels(op, inputs: list[Tensor | None], options: dict) -> None:
    """Constant channel numbers are known now; variable ones are checked when they are set, and by the op."""
    names = [operand.name for operand in op.operands(options)]
    if "channels" not in names:
        return
    channels = inputs[names.index("channels")]
    if channels is not None and channels.data is not None:
        values = np.frombuffer(channels.data, np.int32)
        if np.unique(values).size != values.size or values.min() < 0:
            raise ValueError(f"{op.NAME}: channels must be distinct and not negative. Received: {values.tolist()}.")


def _check_other(operator: Operator, inputs: list[Tensor | None], outputs: list[Tensor]) -> None:
    code = operator.builtin_code
    if code not in OTHER_OPS:
        raise ValueError(f"it must be an op that bundles may hold. Received: builtin code {code}.")
    fewest, most, n_outputs = OTHER_OPS[code]
    if not fewest <= len(inputs) <= most or len(outputs) != n_outputs or None in inputs[:fewest]:
        raise ValueError(
            f"code {code} needs {fewest} to {most} inputs and {n_outputs} output. "
            f"Received: {len(inputs)} inputs and {len(outputs)} outputs."
        )
    for position in _CONSTANT_INPUTS.get(code, ()):
        tensor = inputs[position]
        if tensor.data is None or tensor.dtype != "int32":
            raise ValueError(f"code {code} needs a constant int32 input {position}. Received: '{tensor.name}'.")
    for tensor in (*inputs, *outputs):
        if tensor is not None and tensor.dtype not in ("float32", "int8", "int32"):
            raise ValueError(f"code {code} must have float32, int8 or int32 operands. Received: '{tensor.name}'.")
    numbers = {tensor.dtype for tensor in inputs if tensor is not None} - {"int32"}
    expected = {"int32"} if code == _SHAPE or not numbers else numbers
    if expected != {outputs[0].dtype}:
        raise ValueError(f"code {code} must have one dtype, {sorted(expected)}. Received: {outputs[0].dtype} output.")
    (MOVEMENT_RULES if code in MOVEMENT_RULES else FROZEN_RULES)[code](operator, inputs, outputs)
