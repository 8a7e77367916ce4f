# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which bytes lie in flash for good, and which in RAM because a step may change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .markup import Markup, code, element, join, number, table

if TYPE_CHECKING:
    from ..inspection import BundleInspection
    from ..model import Model, Tensor

_LOADER = "TfdgsuLoadVariables"
_FROZEN, _FACTORY = "constant", "factory value of a variable"
_ROLES = {
    "kernel": "kernels that are updated",
    "bias": "biases that are updated",
    "velocity": "velocities of the optimizer",
    "layer_rates": "what the layers' learning rates follow from",
    "remainder": "second bytes of int8 weights",
    "channels": "numbers of the selected channels",
    "step": "counter of the steps",
}


def render(inspection: BundleInspection) -> Markup:
    """Sums for flash and for RAM, then every tensor of either."""
    model = inspection.program.model
    roles = {} if inspection.program.bundle is None else inspection.program.bundle.variables
    role_of = {i: roles[t.name].role if t.name in roles else "" for i, t in enumerate(model.tensors) if t.is_variable}
    constants = classify_constants(model)
    return join(
        [
            element("p", _explain(inspection)),
            table("Flash, bytes", ("", "tensors", "bytes"), _flash_rows(inspection, constants), 2),
            table("RAM between steps, bytes", ("", "variables", "bytes"), _ram_rows(model, role_of), 2),
            _all_tensors(model, constants, role_of),
        ]
    )


def classify_constants(model: Model) -> dict[int, str]:
    """By tensor index, what a constant is; one whose bytes another already has is left out."""
    factory = {
        i
        for operator in model.operators
        if operator.custom_code == _LOADER
        for i in operator.inputs
        if i >= 0 and model.tensors[i].data is not None
    }
    kinds, seen = {}, set()
    for i, tensor in enumerate(model.tensors):
        if tensor.data is not None and id(tensor.data) not in seen:
            seen.add(id(tensor.data))
            kinds[i] = _FACTORY if i in factory else _FROZEN
    return kinds


def _explain(inspection: BundleInspection) -> str:
    if not inspection.trains:
        return "Every weight is a constant and is read where it lies in flash."
    return (
        "Frozen weights are read where they lie in flash. What a step may change is a variable in the arena's tail; its "
        "factory value stays in flash, for the first step and for a reset."
    )


def _flash_rows(inspection: BundleInspection, constants: dict[int, str]) -> list[tuple[object, ...]]:
    program = inspection.program
    rows, n_rest = [], len(program.data)
    for kind, title in ((_FROZEN, "constants: frozen weights, shapes, scalings"), (_FACTORY, "factory values")):
        sizes = [program.model.tensors[i].n_bytes for i, k in constants.items() if k == kind]
        if sizes:
            rows.append((title, len(sizes), sum(sizes)))
            n_rest -= sum(sizes)
    if program.bundle is not None:
        n_bytes = program.bundle.header.json_bytes
        rows.append(("metadata: plan, settings, variables", None, n_bytes))
        n_rest -= n_bytes
    rows.append(("structure: tensors, ops, names, alignment", None, n_rest))
    rows.append(("the file", None, len(program.data)))
    return [(title, number(count), number(n_bytes)) for title, count, n_bytes in rows]


def _ram_rows(model: Model, role_of: dict[int, str]) -> list[tuple[object, ...]]:
    rows = []
    for role in sorted(set(role_of.values()), key=lambda role: (role == "", role)):
        sizes = [model.tensors[i].n_bytes for i, r in role_of.items() if r == role]
        rows.append((_ROLES.get(role, role or "inputs that keep their value"), len(sizes), sum(sizes)))
    n_bytes = sum(model.tensors[i].n_bytes for i in role_of)
    return [*rows, ("all variables", len(role_of), n_bytes)]


def _all_tensors(model: Model, constants: dict[int, str], role_of: dict[int, str]) -> Markup:
    where = {i: ("flash", kind) for i, kind in constants.items()}
    where.update({i: ("RAM", f"variable, {role}" if role else "variable, input") for i, role in role_of.items()})
    order = sorted(where, key=lambda i: (-model.tensors[i].n_bytes, model.tensors[i].name))
    rows = [_tensor_row(model.tensors[i], *where[i]) for i in order]
    return element(
        "details",
        element("summary", f"The {len(rows)} tensors in flash and in RAM, largest first"),
        table("Constants and variables", ("tensor", "type", "in", "what", "bytes"), rows, 1),
    )


def _tensor_row(tensor: Tensor, place: str, what: str) -> tuple[object, ...]:
    return code(tensor.name), format_type(tensor.dtype, tensor.shape), place, what, number(tensor.n_bytes)


def format_type(dtype: str, shape: tuple[int, ...]) -> str:
    """A tensor's type as the reports write it, "int8 [1, 6, 6, 8]"."""
    return f"{dtype} [{', '.join(map(str, shape))}]"
