# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Exports a training bundle, or an inference model, as one ``.tflite`` file."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from ..atomic_write import atomic_write
from ..byte_size import parse_bytes
from ..int8_scales import Int8Scales
from ..sparse_update_model import SparseUpdateModel
from .arena import ArenaPrediction, MemoryPlan, plan_memory, predict_arena, verify_no_overlap
from .c_array import format_c_array
from .check_arguments import (
    check_batch_size,
    check_callback,
    check_folders,
    check_keras_model,
    check_model,
    check_pools,
    check_preprocessing,
    check_quantization,
)
from .checkpoint_layout import remember_bundle
from .compile_training_graph import compile_training_graph
from .convert import convert_forward
from .from_keras import read_training_spec
from .ir import Graph
from .ir.verify import verify
from .metadata import METADATA_NAME, ArenaBytes, pack_metadata, seal
from .passes import add_inference_signature
from .passes.bind_update_layers import make_marks
from .quantize import quantize_forward
from .report import ExportReport
from .schema import write_graph
from .training_spec import LarsSpec, SgdSpec, TrainingSpec
from .training_step import TrainingStep
from .weight_layout import to_keras

DESCRIPTION = "Training bundle made by tfdgsu"


def export_training_bundle(
    sparse_model,
    path: str | os.PathLike,
    *,
    batch_size: int = 1,
    quantize: str | None = None,
    representative_data=None,
    scales: Int8Scales | None = None,
    rounding: str | None = None,
    ram: int | str | None = None,
    callback=None,
    preprocessing: dict[str, Any] | None = None,
    c_array_path: str | os.PathLike | None = None,
) -> ExportReport:
    """Lowers the model's training step into one ``.tflite`` that stock TFLM runs.

    Example:
        sparse.compile(keras.optimizers.SGD(0.05), loss="sparse_categorical_crossentropy")
        report = tfdgsu.export.export_training_bundle(sparse, "model.tflite")
        print(report.summary())
        tfdgsu.export.export_training_bundle(sparse, "int8.tflite", quantize="int8", representative_data=x_train[:200])

    An int8 bundle computes the forward pass in int8, as TensorFlow Lite's quantizer makes it, loss and gradients in float32.
    Convolutions train int8 weights and int32 biases in place. Dense layers behind an update layer stay float32, from the
    pooling in front of them on: a new head starts near zero, and a kernel's scale can't change while it trains. Without
    a Dense layer the last convolution does: int8 logits could not leave the range they were calibrated to.

    Where the plan gives a convolution a pool of P channels, ``<layer>/kernel`` holds the weights of those only, ascending,
    and ``<layer>/channels`` positions in the pool. If every step updates all of the pool, there is no ``channels``, except
    with momentum and re-draws.

    Args:
        sparse_model: A compiled ``tfdgsu.SparseUpdateModel``: SGD or ``tfdgsu.LARS``, one of the four losses.
        path: Where to write the bundle.
        batch_size: Examples per step, baked into the file.
        quantize: "int8" for an int8 bundle. Default: what the plan was made for, float32 or int8.
        representative_data: For int8, examples that calibrate the activations' ranges: a float32 array ``[N, ...]``, a
            ``tf.data.Dataset`` or an iterable of arrays; a hundred examples or more.
        scales: For int8, a checkpoint's own scales in place of a calibration (``tfdgsu.load_int8_checkpoint``).
        rounding: How updates of int8 weights are rounded: "stochastic", "remainder" (a second byte per weight) or
            "nearest" (loses small updates). Default: what the plan was made for, or "stochastic".
        ram: Arena limit in bytes or as "256KB", checked against the smallest arena that the
            host interpreter can work in. Default: the plan's ``ram``; no limit if it has none.
        callback: A ``DynamicSparseCallback`` whose policy the device shall follow; draws what ``fit`` would draw when
            it begins. Default: the policy that training used last, channels as they are.
        preprocessing: JSON-serialisable note on how inputs are made, stored in the metadata.
        c_array_path: Also write the bundle as a C array into this file.

    Returns:
        An ``ExportReport``: predicted arena of x86-64 and Cortex-M, peak tensors, graph text.

    Raises:
        TypeError: if ``sparse_model`` is not a ``SparseUpdateModel``, or ``callback`` no ``DynamicSparseCallback``.
        ValueError: for an optimizer, loss, layer or budget that can't be met, or a model that int8 can't express;
            nothing is written then.
        FileNotFoundError: if the folder of ``path`` or ``c_array_path`` doesn't exist; nothing is written then.
    """
    check_model(sparse_model)
    check_batch_size(batch_size)
    quantize, rounding = quantize or sparse_model.plan.quantize, rounding or sparse_model.plan.rounding
    rounding = check_quantization(quantize, representative_data, scales, rounding)
    check_pools(sparse_model.plan, quantize)
    check_callback(callback)
    check_preprocessing(preprocessing)
    check_folders(path, c_array_path)
    if callback is not None:
        callback.set_model(sparse_model)
        callback.on_train_begin()
    spec = dataclasses.replace(read_training_spec(sparse_model), rounding=rounding)
    marks = make_marks(spec.layers)
    forward = convert_forward(sparse_model.model, int(batch_size), _mark_variables(sparse_model, marks))
    graph, step = compile_training_graph(forward, spec, marks, _quantizer(quantize, representative_data, scales))
    document = _describe(sparse_model.plan, spec, step, int(batch_size), preprocessing)
    limit = parse_bytes(ram) or sparse_model.plan.ram_bytes
    return _finish(graph, document, path, limit, c_array_path, sparse_model)


def export_inference_model(
    model,
    path: str | os.PathLike,
    *,
    batch_size: int = 1,
    quantize: str | None = None,
    representative_data=None,
    scales: Int8Scales | None = None,
    ram: int | str | None = None,
    c_array_path: str | os.PathLike | None = None,
) -> ExportReport:
    """Writes the forward pass alone, for a device that only infers: builtin ops, constant weights.

    In int8 the whole network but a final softmax or sigmoid is quantized; the output is float32.

    Args:
        model: A ``SparseUpdateModel`` (its current weights) or any Keras model with one input and output.
        path, batch_size, quantize, representative_data, scales, c_array_path: As in ``export_training_bundle``.
        ram: Arena limit in bytes or as "256KB". Default: no limit.

    Returns:
        An ``ExportReport`` without a plan.

    Raises:
        TypeError: if ``model`` is not a Keras model.
        ValueError: if the model does not convert, can't be expressed in int8, or exceeds ``ram``; nothing is written then.
        FileNotFoundError: if the folder of ``path`` or ``c_array_path`` doesn't exist; nothing is written then.
    """
    check_keras_model(model)
    check_batch_size(batch_size)
    check_quantization(quantize, representative_data, scales)
    check_folders(path, c_array_path)
    keras_model = model.model if isinstance(model, SparseUpdateModel) else model
    graph = convert_forward(keras_model, int(batch_size))
    if quantize is not None:
        graph = verify(quantize_forward(graph, (), representative_data=representative_data, scales=scales), "quantize")
    graph = verify(add_inference_signature.run(graph), "add_inference_signature")
    return _finish(graph, None, path, parse_bytes(ram), c_array_path)


def _quantizer(quantize: str | None, representative_data, scales: Int8Scales | None):
    """The compiler's pass that quantizes the forward graph, or None."""
    if quantize is None:
        return None
    return lambda graph, step: quantize_forward(
        graph, tuple(step.layer_ops), representative_data=representative_data, scales=scales
    )


def _mark_variables(sparse_model, marks) -> dict[int, Any]:
    """Marks in Keras layout, by id of the variable they stand in for."""
    replaced = {}
    for (name, role), mark in marks.items():
        layer = sparse_model.model.get_layer(name)
        if role == "kernel":
            replaced[id(layer.kernel)] = to_keras(type(layer).__name__, mark, tuple(layer.kernel.shape))
        else:
            replaced[id(layer.bias)] = mark
    return replaced


def _describe(plan, spec: TrainingSpec, step: TrainingStep, batch_size: int, preprocessing) -> dict[str, Any]:
    """The JSON of the metadata; its keys are the bundle format's."""
    sparse_labels = spec.loss.name == "sparse_categorical_crossentropy"
    return {
        # Without the buffer-by-buffer cost, which nobody reads on a device and which would fill its flash.
        "plan": dataclasses.replace(plan, cost=dataclasses.replace(plan.cost, items=()), reasons=()).to_dict(),
        "loss": {"name": spec.loss.name, "from_logits": spec.loss.from_logits},
        "n_classes": step.output.shape[-1] if sparse_labels else None,
        "batch_size": batch_size,
        "schedule": {"policy": spec.schedule.policy, "every": spec.schedule.every, "seed": spec.schedule.seed},
        "optimizer": _describe_optimizer(spec.optimizer),
        "rounding": spec.rounding,
        "preprocessing": preprocessing,
        "variables": [
            {
                "name": v.name,
                "role": v.role,
                "layer": v.layer,
                "dtype": v.tensor.dtype,
                "shape": list(v.tensor.shape),
            }
            for v in step.variables
        ],
    }


def _describe_optimizer(optimizer: SgdSpec) -> dict[str, Any]:
    """Its settings; of SGD without its name, as bundles had them before there was another optimizer."""
    name = {"name": "LARS"} if isinstance(optimizer, LarsSpec) else {}
    return {**name, **dataclasses.asdict(optimizer)}


def _finish(graph: Graph, document, path, limit: int | None, c_array_path, sparse_model=None) -> ExportReport:
    """Plans, predicts, proves and checks the arena, and only then writes; a trained model remembers what it wrote."""
    memory = plan_memory(graph)
    unsized = _serialise(memory, document)
    host, device = predict_arena(unsized, "x86_64"), predict_arena(unsized, "cortex_m")
    for prediction in (host, device):
        verify_no_overlap(prediction, unsized)
    _check_budget(host, limit)
    data = _serialise(memory, document, host, device)
    if c_array_path is not None:
        atomic_write(c_array_path, format_c_array(data, os.path.basename(os.fspath(path))).encode())
    atomic_write(path, data)
    plan = None
    if sparse_model is not None:
        plan = sparse_model.plan
        remember_bundle(sparse_model, memory.graph, data)
    return ExportReport(os.fspath(path), len(data), host, device, plan, str(memory.graph))


def _serialise(
    memory: MemoryPlan, document, host: ArenaPrediction | None = None, device: ArenaPrediction | None = None
) -> bytes:
    """The file; without predictions, one of the same size to predict from."""
    if document is None:
        return write_graph(memory.graph, description="Inference model made by tfdgsu", offsets=memory.offsets)
    document = {**document, "arena_is_exact": host is None or host.exact}
    metadata = pack_metadata(document, _arena_bytes(host), _arena_bytes(device))
    return seal(write_graph(memory.graph, {METADATA_NAME: metadata}, DESCRIPTION, memory.offsets))


def _arena_bytes(prediction: ArenaPrediction | None) -> ArenaBytes:
    return ArenaBytes(prediction.total_bytes, prediction.minimum_arena_bytes) if prediction else ArenaBytes(0, 0)


def _check_budget(arena: ArenaPrediction, limit: int | None) -> None:
    if limit is None or arena.minimum_arena_bytes <= limit:
        return
    largest = ", ".join(f"{b.name} ({b.n_bytes:,})" for b in arena.peak_buffers[:3])
    raise ValueError(
        f"Arena needs {arena.minimum_arena_bytes:,} bytes, budget is {limit:,}. "
        f"Received: a model whose largest tensors at the peak are {largest}. "
        "Remedy: raise ram=, update fewer channels, or plan update layers nearer to the output."
    )
