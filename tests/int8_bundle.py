# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A hand-made int8 training bundle: an int8 convolution whose weights are variables, and a float32 head that trains."""

import flatbuffers
import numpy as np
from flat_graphs import FlatGraph
from tensorflow.lite.python import schema_py_generated as schema_fb
from tfdgsu.export.metadata import METADATA_NAME, ArenaBytes, pack_metadata, seal
from tfdgsu.export.ops.custom import pack_options

X_SCALE, X_ZERO_POINT = np.float32(0.01), -5
Y_SCALE, Y_ZERO_POINT = np.float32(6 / 255), -128
W_SCALES = np.array([0.004, 0.005, 0.006, 0.007, 0.008], np.float32)
IMAGE, N_CLASSES = (6, 6, 3), 4
_ARENA = ArenaBytes(16384, 16384)
_RELU6, _SAME = 3, 0  # schema_fb.ActivationFunctionType, schema_fb.Padding


def make_factory() -> dict[str, np.ndarray]:
    """Factory values of the variables by name."""
    rng = np.random.default_rng(0)
    return {
        "body/kernel": rng.integers(-127, 128, (len(W_SCALES), 3, 3, 3)).astype(np.int8),
        "body/bias": rng.integers(-3000, 3000, len(W_SCALES)).astype(np.int32),
        "body/kernel/remainder": rng.integers(-128, 128, (len(W_SCALES), 3, 3, 3)).astype(np.int8),
        "head/kernel": rng.normal(0, 0.5, (N_CLASSES, len(W_SCALES))).astype(np.float32),
        "head/bias": rng.normal(0, 0.1, N_CLASSES).astype(np.float32),
    }


def make_int8_bundle(make_offsets=None) -> bytes:
    """The file. `make_offsets(names)` gives an offline memory plan for tensors of these names, in order."""
    graph, factory = FlatGraph(), make_factory()
    names = []

    def tensor(name, *arguments, **options):
        names.append(name)
        return graph.tensor(*arguments, **options)

    n_body = len(W_SCALES)
    quantization = {
        "body/kernel": {"scales": W_SCALES},
        "body/bias": {"scales": X_SCALE * W_SCALES},
    }
    x = tensor("x", (1, *IMAGE), "int8", scales=[X_SCALE], zero_point=X_ZERO_POINT)
    label, rate = tensor("y", (1,), "int32"), tensor("learning_rate", (1,))
    train, step = tensor("train", (1,), "int32", variable=True), tensor("step", (1,), "int32", variable=True)
    constants = [
        tensor(f"{k}/factory", v.shape, v.dtype.name, v, **quantization.get(k, {})) for k, v in factory.items()
    ]
    variables = {
        k: tensor(k, v.shape, v.dtype.name, variable=True, **quantization.get(k, {})) for k, v in factory.items()
    }
    w, bias, _, head_w, head_bias = variables.values()
    n_variables = {"n_variables": len(variables)}
    custom = {"TfdgsuLoadVariables": n_variables, "TfdgsuSparseCategoricalCrossentropy": {"from_logits": 1}}
    sgd = {"momentum": 0.0, "nesterov": 0}

    def op(name, inputs, outputs, options=None):
        if name.startswith("Tfdgsu"):
            graph.op(name, inputs, outputs, custom_options=pack_options(name, options))
        else:
            graph.op(name, inputs, outputs, options)

    op("TfdgsuLoadVariables", [*constants, *variables.values()], [], custom["TfdgsuLoadVariables"])
    body = tensor("body", (1, 3, 3, n_body), "int8", scales=[Y_SCALE], zero_point=Y_ZERO_POINT)
    fields = {"padding": _SAME, "strideH": 2, "strideW": 2, "fusedActivationFunction": _RELU6}
    op("CONV_2D", [x, w, bias], [body], ("Conv2DOptions", fields))
    mean = tensor("mean", (1, n_body), "int8", scales=[Y_SCALE / 2], zero_point=Y_ZERO_POINT)
    op("MEAN", [body, tensor("axes", [2], "int32", [1, 2])], [mean], ("ReducerOptions", {"keepDims": False}))
    features = tensor("features", (1, n_body))
    op("DEQUANTIZE", [mean], [features])
    logits, output = tensor("logits", (1, N_CLASSES)), tensor("output", (1, N_CLASSES))
    op("FULLY_CONNECTED", [features, head_w, head_bias], [logits], ("FullyConnectedOptions", {}))
    op("SOFTMAX", [logits], [output], ("SoftmaxOptions", {"beta": 1.0}))
    loss, gradient = tensor("loss", (1,)), tensor("gradient", (1, N_CLASSES))
    name = "TfdgsuSparseCategoricalCrossentropy"
    op(name, [train, logits, label], [loss, gradient], custom[name])
    op("TfdgsuFullyConnectedGradFilter", [train, rate, features, gradient, -1, head_w, -1], [], sgd)
    op("TfdgsuBiasGrad", [train, rate, gradient, head_bias, -1], [], sgd)
    op("TfdgsuAdvanceStep", [train, step], [], {})

    saved = {**variables, "step": step}
    graph.signature(
        "train", {"x": x, "y": label, "learning_rate": rate, "train": train}, {"loss": loss, "output": output}
    )
    graph.signature("infer", {"x": x}, {"output": output})
    graph.signature("save", {}, saved)
    graph.signature("restore", saved, {})
    if make_offsets is not None:
        graph.prescribe_offsets(make_offsets(names))
    graph.metadata(METADATA_NAME, pack_metadata(_describe(factory), _ARENA, _ARENA))
    return seal(graph.build([x, label, rate, train, *saved.values()], [output, loss, *saved.values()]))


def edit(data: bytes, change) -> bytes:
    """A copy of a bundle whose `schema_fb.ModelT` went through `change`, sealed."""
    model = schema_fb.ModelT.InitFromObj(schema_fb.Model.GetRootAs(data))
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return seal(bytes(builder.Output()))


def _describe(factory: dict[str, np.ndarray]) -> dict:
    described = [(name, name.rpartition("/")[2], name.partition("/")[0], v) for name, v in factory.items()]
    described.append(("step", "step", "", np.zeros(1, np.int32)))
    return {
        "arena_is_exact": True,
        "batch_size": 1,
        "loss": {"name": "sparse_categorical_crossentropy", "from_logits": False},
        "n_classes": N_CLASSES,
        "optimizer": {"momentum": 0.0, "nesterov": False},
        "plan": {"layers": []},
        "preprocessing": None,
        "schedule": {"every": 1, "policy": "static", "seed": 0},
        "variables": [
            {"name": name, "role": role, "layer": layer, "dtype": v.dtype.name, "shape": list(v.shape)}
            for name, role, layer, v in described
        ],
    }
