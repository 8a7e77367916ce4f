# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A training bundle, checked before the interpreter sees it."""

import os
from typing import Any, NamedTuple

from ..export.metadata import Header, unpack_metadata
from .errors import REMEDY, BundleError, require
from .memory_plan import check_memory_plan
from .model import Model, Tensor, read_model
from .operator_rules import check_operators

# TFLM plans memory in `int`; a model this large has no business on a microcontroller.
MAX_TENSOR_BYTES = 1 << 30
_SIGNATURES = {
    "train": ({"x", "y", "learning_rate", "train"}, {"loss", "output"}),
    "infer": ({"x"}, {"output"}),
}
# What a variable may be, by its role. An int8 kernel has an int32 bias; its remainder holds 1/256 of its units.
_ROLES = {
    "kernel": ("float32", "int8"),
    "bias": ("float32", "int32"),
    "remainder": ("int8",),
    "velocity": ("float32",),
    "layer_rates": ("float32",),
    "channels": ("int32",),
    "step": ("int32",),
}


class Variable(NamedTuple):
    """One trainable variable as the metadata describes it, and where the interpreter has it."""

    name: str
    role: str
    layer: str
    shape: tuple[int, ...]
    dtype: str
    input_position: int
    output_position: int


class InputQuantization(NamedTuple):
    """How the int8 of `x` stand for numbers: real = scale * (integer - zero_point)."""

    scale: float
    zero_point: int


class Port(NamedTuple):
    """An input or output of a signature: position in the subgraph's list, shape and dtype."""

    position: int
    shape: tuple[int, ...]
    dtype: str


class Bundle:
    """A valid bundle.

    Args:
        data: The bytes of the file.

    Attributes:
        data: The bytes.
        header: Fixed part of the metadata.
        document: JSON part of the metadata.
        inputs, outputs: `Port` by name of the `train` signature.
        variables: `Variable` by name.
        input_quantization: Of an int8 `x`; None for float32.
        n_tensors: Number of the subgraph's tensors.

    Raises:
        BundleError: The file is damaged, of another version, or would make TFLM misbehave.
    """

    def __init__(self, data: bytes):
        self.data = data
        self.header: Header
        self.header, self.document = unpack_metadata(data)
        model = read_model(data)
        check_operators(model)
        check_size(model)
        arena_bytes = max(self.header.minimum_arena_bytes_x86_64, self.header.arena_bytes_x86_64)
        check_memory_plan(model, min(arena_bytes, MAX_TENSOR_BYTES))
        _check_signatures(model)
        _check_document(self.document)
        self.n_tensors = len(model.tensors)
        sources, results = model.signatures["train"]
        self.inputs = {name: _port(model, model.inputs, index, name) for name, index in sources.items()}
        self.outputs = {name: _port(model, model.outputs, index, name) for name, index in results.items()}
        self.variables = {item["name"]: _variable(model, item) for item in self.document["variables"]}
        self.input_quantization = _input_quantization(model.tensors[sources["x"]])
        self._check_ports()

    @property
    def batch_size(self) -> int:
        """Examples per step, baked in at export."""
        return self.inputs["x"].shape[0]

    def layer_channels(self, layer: str) -> int:
        """Number of input channels that an update layer's selected ones are drawn from: of its pool, if it has one."""
        for item in self.document["plan"]["layers"]:
            if item["name"] == layer:
                return item.get("n_mutable", item["n_channels"])
        raise BundleError(f"Plan must describe the layer of every channels variable. Received: no '{layer}'. {REMEDY}")

    def _check_ports(self) -> None:
        ports = {**self.inputs, **self.outputs}
        for name, expected in {"learning_rate": "float32", "train": "int32", "loss": "float32"}.items():
            require(ports[name][1:] == ((1,), expected), f"`{name}` must be {expected} [1]", ports[name][1:])
        x, y, output = ports["x"], ports["y"], ports["output"]
        require(output.dtype == "float32", "`output` must be float32", output.dtype)
        batch = self.document["batch_size"]
        leads = [port.shape[:1] == (batch,) for port in (x, y, output)]
        require(all(leads) and len(output.shape) == 2, f"batch must be {batch}", (x.shape, y.shape, output.shape))
        n_classes = self.document["n_classes"]
        if n_classes is not None:
            require(y.dtype == "int32" and y.shape == (batch,), "`y` must be int32 [batch]", y[1:])
            require(n_classes == output.shape[1], f"n_classes must be {output.shape[1]}", n_classes)
        else:
            require(y.dtype == "float32" and y.shape == output.shape, "`y` must be as `output`", y[1:])
        for variable in self.variables.values():
            if variable.role == "channels":
                self.layer_channels(variable.layer)


def read_bundle(path: str | os.PathLike) -> Bundle:
    """Reads and checks a bundle file.

    Raises:
        OSError: The file can't be read.
        BundleError: It is not a valid bundle.
    """
    with open(path, "rb") as file:
        return Bundle(file.read())


def check_size(model: Model) -> None:
    """Checks that the memory of a model can be planned at all."""
    total = sum(tensor.n_bytes for tensor in model.tensors if tensor.data is None)
    require(total <= MAX_TENSOR_BYTES, f"tensors must take at most {MAX_TENSOR_BYTES:,} bytes", f"{total:,}")


def _check_signatures(model: Model) -> None:
    for name, (sources, results) in _SIGNATURES.items():
        require(name in model.signatures, f"signature `{name}` must exist", sorted(model.signatures))
        received = model.signatures[name]
        require(
            set(received[0]) == sources, f"signature `{name}` must have inputs {sorted(sources)}", sorted(received[0])
        )
        require(
            set(received[1]) == results, f"signature `{name}` must have outputs {sorted(results)}", sorted(received[1])
        )
    same = model.signatures["infer"][0]["x"] == model.signatures["train"][0]["x"]
    require(same, "signatures must share `x`", "two")
    same = model.signatures["infer"][1]["output"] == model.signatures["train"][1]["output"]
    require(same, "signatures must share `output`", "two")
    train = model.tensors[model.signatures["train"][0]["train"]]
    # TFLM zeroes variables at reset, so that an input nobody sets cannot train.
    require(train.is_variable, "`train` must be a variable", "none")


def _check_document(document: dict[str, Any]) -> None:
    kinds = {
        "plan": dict,
        "loss": dict,
        "batch_size": int,
        "schedule": dict,
        "optimizer": dict,
        "variables": list,
        "arena_is_exact": bool,
    }
    for name, kind in kinds.items():
        require(
            type(document.get(name)) is kind,
            f"metadata must have a {kind.__name__} `{name}`",
            type(document.get(name)).__name__,
        )
    n_classes = document.get("n_classes", 0)
    require(n_classes is None or (type(n_classes) is int and n_classes > 0), "`n_classes` must be a count", n_classes)
    loss = document["loss"]
    require(isinstance(loss.get("name"), str) and type(loss.get("from_logits")) is bool, "`loss` must be known", loss)
    require(isinstance(document["schedule"].get("policy"), str), "schedule must have a policy", document["schedule"])
    layers = document["plan"].get("layers")
    well_formed = isinstance(layers, list) and all(
        isinstance(item, dict)
        and isinstance(item.get("name"), str)
        and all(type(item.get(key, item.get("n_channels"))) is int for key in ("n_channels", "n_mutable"))
        for item in layers
    )
    require(well_formed, "plan must list its layers", type(layers).__name__)
    for item in document["variables"]:
        well_formed = (
            isinstance(item, dict)
            and all(isinstance(item.get(key), str) for key in ("name", "role", "layer", "dtype"))
            and item["role"] in _ROLES
            and isinstance(item.get("shape"), list)
            and all(type(size) is int for size in item["shape"])
        )
        require(well_formed, "metadata must describe its variables", str(item)[:80])
    names = [item["name"] for item in document["variables"]]
    require(len(set(names)) == len(names), "variables must have distinct names", names)


def _variable(model: Model, item: dict[str, Any]) -> Variable:
    name = item["name"]
    index = model.signatures.get("save", ({}, {}))[1].get(name)
    require(index is not None, f"signature `save` must have variable '{name}'", None)
    same = model.signatures.get("restore", ({}, {}))[0].get(name) == index
    require(same, f"signature `restore` must have variable '{name}'", None)
    tensor: Tensor = model.tensors[index]
    described = (tuple(item["shape"]), item["dtype"])
    require(tensor.is_variable, f"'{name}' must be a variable", "none")
    require(described == (tensor.shape, tensor.dtype), f"'{name}' must be {tensor.dtype} {tensor.shape}", described)
    require(tensor.dtype in _ROLES[item["role"]], f"'{name}' must be of {_ROLES[item['role']]}", tensor.dtype)
    return Variable(
        name,
        item["role"],
        item["layer"],
        tensor.shape,
        tensor.dtype,
        _position(model.inputs, index, name),
        _position(model.outputs, index, name),
    )


def _input_quantization(x: Tensor) -> InputQuantization | None:
    is_quantized = x.quantization is not None
    require(x.dtype == ("int8" if is_quantized else "float32"), "`x` must be float32, or int8 with a scale", x.dtype)
    if not is_quantized:
        return None
    require(len(x.quantization.scales) == 1, "`x` must have one scale", len(x.quantization.scales))
    return InputQuantization(x.quantization.scales[0], x.quantization.zero_points[0])


def _port(model: Model, indices: tuple[int, ...], index: int, name: str) -> Port:
    return Port(_position(indices, index, name), model.tensors[index].shape, model.tensors[index].dtype)


def _position(indices: tuple[int, ...], index: int, name: str) -> int:
    require(index in indices, f"'{name}' must be listed by the subgraph", indices)
    return indices.index(index)
