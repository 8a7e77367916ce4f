# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Lifts a ``.tflite`` file into the object graph."""

from __future__ import annotations

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb

from ..ir import Graph, Op, Quantization, Signature, Tensor
from ..ops.custom import REGISTRY, unpack_options
from . import types
from .fields import as_list, as_text


def read_graph(model: bytes) -> Graph:
    """Reads the only subgraph of a flatbuffer.

    Args:
        model: The file's bytes, e.g. what ``tf.lite.TFLiteConverter.convert`` returns.

    Returns:
        The graph; constants are NumPy arrays, options of foreign custom ops raw bytes under ``"raw"``.

    Raises:
        ValueError: if the model has more than one subgraph (control flow): TFLM's trainer runs one.
    """
    flat = schema_fb.ModelT.InitFromPackedBuf(model, 0)
    if len(flat.subgraphs) != 1:
        raise ValueError(
            "A training bundle is one subgraph, without control flow. "
            f"Received: a model with {', '.join(_control_flow(flat))}. "
            "Remedy: replace the layers of these names: recurrent ones loop, Conv1D layers do not."
        )
    subgraph = flat.subgraphs[0]
    tensors = [_read_tensor(t, flat.buffers) for t in subgraph.tensors]
    ops = [_read_op(o, flat.operatorCodes, tensors) for o in as_list(subgraph.operators)]
    graph = Graph(
        ops=ops,
        inputs=[tensors[i] for i in as_list(subgraph.inputs)],
        outputs=[tensors[i] for i in as_list(subgraph.outputs)],
    )
    for signature in as_list(flat.signatureDefs):
        graph.signatures[as_text(signature.signatureKey)] = Signature(
            inputs={as_text(m.name): tensors[m.tensorIndex] for m in as_list(signature.inputs)},
            outputs={as_text(m.name): tensors[m.tensorIndex] for m in as_list(signature.outputs)},
        )
    graph.make_names_unique()
    return graph


def _control_flow(flat: schema_fb.ModelT) -> list[str]:
    """Names of what the first ops that run another subgraph compute; Keras' names of layers are in them."""
    calling = {schema_fb.BuiltinOperator.WHILE, schema_fb.BuiltinOperator.IF, schema_fb.BuiltinOperator.CALL_ONCE}
    main = flat.subgraphs[0]
    ops = [op for op in main.operators if flat.operatorCodes[op.opcodeIndex].builtinCode in calling]
    outputs = [as_list(op.outputs) for op in ops]
    names = [_short_name(as_text(main.tensors[of_op[0]].name)) for of_op in outputs if of_op]
    return names or [f"{len(flat.subgraphs)} subgraphs"]


def _read_tensor(flat: schema_fb.TensorT, buffers: list[schema_fb.BufferT]) -> Tensor:
    name = _short_name(as_text(flat.name))
    dtype = types.numpy_name(flat.type, name)
    shape = tuple(int(d) for d in as_list(flat.shape))
    raw = buffers[flat.buffer].data
    data = None
    if raw is not None and len(raw) and not flat.isVariable:
        data = np.frombuffer(bytes(raw), dtype=np.dtype(dtype).newbyteorder("<")).reshape(shape)
    return Tensor(name, shape, dtype, data, bool(flat.isVariable), _read_quantization(flat.quantization))


def _read_quantization(flat: schema_fb.QuantizationParametersT | None) -> Quantization | None:
    if flat is None or not len(as_list(flat.scale)):
        return None
    return Quantization.of(as_list(flat.scale), as_list(flat.zeroPoint) or 0, int(flat.quantizedDimension))


def _read_op(flat: schema_fb.OperatorT, codes: list[schema_fb.OperatorCodeT], tensors: list[Tensor]) -> Op:
    code = codes[flat.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    is_custom = number == schema_fb.BuiltinOperator.CUSTOM
    inputs = [None if i < 0 else tensors[i] for i in as_list(flat.inputs)]
    outputs = [tensors[i] for i in as_list(flat.outputs)]
    if is_custom:
        raw = bytes(bytearray(as_list(flat.customOptions)))
        return _custom_op(as_text(code.customCode), inputs, outputs, raw, code.version)
    if getattr(flat, "builtinOptions2", None) is not None:
        raise ValueError(
            "TensorFlow Lite Micro runs ops of the first options table only. "
            f"Received: {types.OPERATOR_NAMES[number]}. Remedy: remove the layer that makes this op."
        )
    return Op(types.OPERATOR_NAMES[number], inputs, outputs, flat.builtinOptions, code.version)


def _custom_op(kind: str, inputs: list[Tensor | None], outputs: list[Tensor], raw: bytes, version: int) -> Op:
    if kind not in REGISTRY:
        return Op(kind, inputs, outputs, {"raw": raw}, version, True)
    options = unpack_options(kind, raw)
    mutates = tuple(inputs[i] for i in REGISTRY[kind].mutates(options) if inputs[i] is not None)
    return Op(kind, inputs, outputs, options, version, True, mutates)


def _short_name(name: str) -> str:
    """The converter joins the names of all fused ops with ``;``; the last one says what comes out."""
    return name.split(";")[-1] or "tensor"
