# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Damages the tensors and options of int8 ops; runs what the checks let pass. A process of its own, since it may die.

python damaged_int8_ops.py FOLDER COUNT SEED PROGRESS_FILE

FOLDER holds a model for each op. Prints how many were refused and how many ran, as JSON. The progress file names the
case at work; the model is beside it.
"""

import json
import pathlib
import sys

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema_fb
from tfdgsu.micro_runtime import BundleError, InterpreterError
from tfdgsu.micro_runtime.interpreter import Interpreter
from tfdgsu.micro_runtime.model import read_model
from tfdgsu.micro_runtime.operator_rules import check_operators

_SCALES = (0.0, -1.0, np.nan, np.inf, 1e-45, 1e-38, 1e-30, 1e-9, 1 / 256, 1 / 128, 0.5, 1.0, 8.0, 1e9, 1e30, 3.4e38)
_INTEGERS = (-(2**31), -129, -128, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 127, 128, 255, 65535, 2**31 - 1)
_ARENA_BYTES = 1 << 18


def damage(model, rng):
    """Changes one or two things in place."""
    subgraph = model.subgraphs[0]
    for tensor in subgraph.tensors:
        tensor.shape = np.array(tensor.shape)  # of a model just read, arrays are views of the file
        if tensor.quantization is not None:
            tensor.quantization.scale = np.array(tensor.quantization.scale)
            tensor.quantization.zeroPoint = np.array(tensor.quantization.zeroPoint)
    for _ in range(rng.integers(1, 3)):
        tensor = subgraph.tensors[rng.integers(len(subgraph.tensors))]
        kind = rng.integers(8)
        if kind < 4 and tensor.quantization is not None:
            _damage_quantization(tensor.quantization, kind, rng)
        elif kind == 4:
            _scale_all(subgraph.tensors, rng)
        elif kind == 5 and len(tensor.shape):
            tensor.shape[rng.integers(len(tensor.shape))] = rng.integers(1, 10)
        elif kind == 6:
            tensor.type = int(rng.choice([0, 2, 3, 4, 7, 9]))
        else:
            _damage_options(subgraph.operators[0], rng)


def _damage_quantization(quantization, kind, rng):
    n = len(quantization.scale)
    if kind < 2 and min(n, len(quantization.zeroPoint)) == 0:
        return
    if kind == 0:
        quantization.scale[rng.integers(n)] = rng.choice(_SCALES)
    elif kind == 1:
        quantization.zeroPoint[rng.integers(len(quantization.zeroPoint))] = rng.choice(_INTEGERS)
    elif kind == 2:
        quantization.quantizedDimension = int(rng.choice(_INTEGERS))
    else:
        n_new = int(rng.integers(0, n + 3))
        quantization.scale = np.full(n_new, 0.1, np.float32)
        quantization.zeroPoint = np.zeros(n_new if rng.random() < 0.7 else n, np.int64)


def _scale_all(tensors, rng):
    """Scales of very different size, each of them a proper one."""
    for tensor in tensors:
        if tensor.quantization is not None and rng.random() < 0.5:
            factor = np.float32(10 ** rng.uniform(-12, 12))
            tensor.quantization.scale = np.asarray(tensor.quantization.scale, np.float32) * factor


def _damage_options(operator, rng):
    options = operator.builtinOptions
    names = sorted(vars(options)) if options is not None else []
    if not names:
        return
    name = names[rng.integers(len(names))]
    if isinstance(getattr(options, name), float):
        setattr(options, name, float(rng.choice(_SCALES)))
    elif isinstance(getattr(options, name), (int, np.integer)) and not isinstance(getattr(options, name), bool):
        narrow = any(part in name.lower() for part in ("padding", "activation", "format", "mode", "type"))
        setattr(options, name, int(rng.integers(-3, 7)) if narrow else int(rng.choice(_INTEGERS)))


def run(data):
    """Runs a model on the smallest and the largest integers."""
    model = read_model(data)
    check_operators(model)
    interpreter = Interpreter(data, _ARENA_BYTES)
    for pick in ("min", "max"):
        for position, i in enumerate(model.inputs):
            dtype = np.dtype(model.tensors[i].dtype)
            value = getattr(np.iinfo(dtype), pick) if dtype.kind == "i" else getattr(np.finfo(dtype), pick)
            interpreter.set_input(position, np.full(model.tensors[i].shape, value, dtype))
        interpreter.invoke()


def main(folder, count, seed, progress_file):
    models = [path.read_bytes() for path in sorted(pathlib.Path(folder).glob("*.tflite"))]
    rng, progress = np.random.default_rng(int(seed)), pathlib.Path(progress_file)
    counts = {"refused": 0, "failed": 0, "ran": 0}
    for i in range(int(count)):
        model = schema_fb.ModelT.InitFromObj(schema_fb.Model.GetRootAs(models[i % len(models)]))
        damage(model, rng)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        data = bytes(builder.Output())
        progress.with_suffix(".bin").write_bytes(data)
        progress.write_text(f"case {i} of seed {seed}")
        try:
            run(data)
        except BundleError as error:
            if "Received" not in str(error):
                raise
            counts["refused"] += 1
        except InterpreterError:
            counts["failed"] += 1
        else:
            counts["ran"] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
