# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Int8 networks by other means: TensorFlow Lite's converter, its reference kernels, and TFLM itself."""

import warnings

import keras
import numpy as np
import tensorflow as tf
from tfdgsu.export.bundle import _mark_variables
from tfdgsu.export.convert import convert_forward
from tfdgsu.export.from_keras import read_training_spec
from tfdgsu.export.ir import Graph
from tfdgsu.export.passes import bind_update_layers
from tfdgsu.export.schema import read_graph
from tfdgsu.export.training_step import TrainingStep
from tfdgsu.micro_runtime.interpreter import Interpreter

import tfdgsu
from tfdgsu.captured_output import captured_output

ARENA_BYTES = 1 << 21


def sparse_model(model: keras.Model, layers: dict[str, int]) -> tfdgsu.SparseUpdateModel:
    """A compiled model that updates `layers`, and its head if it has one."""
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=layers))
    sparse.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    return sparse


def bound_forward(sparse: tfdgsu.SparseUpdateModel, batch_size: int = 1) -> tuple[Graph, list[str]]:
    """The float32 forward graph as the compiler quantizes it, and the names of the update layers."""
    spec = read_training_spec(sparse)
    marks = bind_update_layers.make_marks(spec.layers)
    forward = convert_forward(sparse.model, batch_size, _mark_variables(sparse, marks))
    graph = bind_update_layers.run(forward, TrainingStep(spec), marks)
    graph.make_names_unique()
    return graph, [layer.name for layer in spec.layers]


def convert_int8(model: keras.Model, examples: np.ndarray) -> Graph:
    """What TensorFlow Lite's converter makes of a whole model."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x[np.newaxis]] for x in examples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with captured_output(), warnings.catch_warnings(action="ignore", category=UserWarning):
        return read_graph(converter.convert())


def to_int8(x: np.ndarray, graph: Graph) -> np.ndarray:
    """Float32 inputs as the graph's input has them."""
    quantization = graph.inputs[0].quantization
    units = np.rint(x / quantization.scale[0]) + quantization.zero_point[0]
    return np.clip(units, -128, 127).astype(np.int8)


def run_tflm(flat: bytes, x: np.ndarray) -> np.ndarray:
    """The outputs of TFLM, example by example."""
    interpreter = Interpreter(flat, ARENA_BYTES)
    results = []
    for example in x:
        interpreter.set_input(0, example[np.newaxis])
        interpreter.invoke()
        results.append(interpreter.get_output(0))
    return np.concatenate(results)


def run_tflite(flat: bytes, x: np.ndarray) -> np.ndarray:
    """The outputs of TFLite's reference kernels, example by example."""
    resolver = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(model_content=flat, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    results = []
    for example in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], example[np.newaxis])
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    return np.concatenate(results)
