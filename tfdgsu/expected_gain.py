# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""How much it should bring to update a layer: its squared gradient norm, measured on data or on noise.

One step of gradient descent lowers the loss by lr * ||dL/dW||^2 to first order, and k of C channels drawn at random hold
k/C of that in the mean. Layers are ranked by this norm as in TraDy (arXiv 2510.19675), which finds that their order
depends on the network more than on the task; hence the prior, which needs no data.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from . import methods
from .gradient_path import has_kernel, is_updatable, refusal, trace
from .layer_graph import LayerCall, LayerGraph, Value, flatten
from .number_checks import is_real, is_whole
from .prepare import prepare
from .sparse_update_plan import LayerUpdate

N_PRIOR_EXAMPLES = 8
BIAS_SUFFIX = "/bias"  # Gains of biases stand under the layer's name with this behind it.


def measure_gain(
    model: keras.Model, x: np.ndarray, y: np.ndarray, loss: str | Callable, batch_size: int = 8
) -> dict[str, float]:
    """Measures the expected gain of every convolution that could be updated, for `tfdgsu.plan(gain=)`.

    gain[l] = 1/N * sum over batches b of ||dL(x_b, y_b)/dW_l||^2, the mean squared norm of the kernel's gradient (the
    trace of its empirical Fisher matrix for batches of one), and the same of the bias under "<l>/bias". The head should
    have been trained before: gradient passes through it.

    Example:
        gain = tfdgsu.measure_gain(model, x[:64], y[:64], "sparse_categorical_crossentropy")
        plan = tfdgsu.plan(model, ram="256KB", update_fraction=0.02, gain=gain)

    Args:
        model: A built Functional or Sequential model; it is not changed.
        x: Some labelled examples [N, ...]; a few dozen do.
        y: Their labels, as the loss takes them.
        loss: A Keras loss, its name, or a function of (y_true, y_pred).
        batch_size: Examples per gradient.

    Returns:
        By name of the prepared model's layers, the gain of each kernel and bias.

    Raises:
        TypeError: `model` is neither Functional nor Sequential.
        ValueError: There are no examples, or as many labels as examples are missing.
    """
    if not is_whole(batch_size) or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number, at least 1. Received: batch_size={batch_size!r}. Give 8.")
    if len(x) == 0 or len(x) != len(y):
        raise ValueError(f"Every example needs a label. Received: {len(x)} examples, {len(y)} labels. Give as many.")
    graph = flatten(prepare(model))
    calls = reachable(graph)
    loss_function = keras.losses.get(loss)
    totals: dict[str, float] = {}
    starts = range(0, len(x), int(batch_size))
    for start in starts:
        x_batch, y_batch = x[start : start + int(batch_size)], y[start : start + int(batch_size)]

        def loss_of(y_pred, y_batch=y_batch):
            return tf.reduce_mean(loss_function(y_batch, y_pred))

        inputs = [tf.convert_to_tensor(x_batch, graph.inputs[0].dtype)]
        for name, norm in _squared_norms(graph, calls, inputs, loss_of).items():
            totals[name] = totals.get(name, 0.0) + norm / len(starts)
    return totals


def prior_gain(prepared: keras.Model, names: list[str]) -> dict[str, float]:
    """Returns the expected gain of layers of a prepared model without any data.

    gain[l] = E ||dz/dW_l||^2, the squared Jacobian of the features z that the head reads: the layer's part of the trace of
    the neural tangent kernel (arXiv 1806.07572), which is what a gradient in no particular direction amounts to. z is
    probed with random signs (Hutchinson's estimator) on noise that has, as images do, equal energy in every octave.
    """
    graph = flatten(_features_of(prepared, names))
    calls = [graph.find(name) for name in names]
    rng = np.random.default_rng(0)
    inputs = [tf.constant(_input_noise(rng, value), value.dtype) for value in graph.inputs]

    def probe(features: Any) -> tf.Tensor:
        flat = keras.tree.flatten(features)
        signs = [tf.constant(rng.choice((-1.0, 1.0), tuple(z.shape)), z.dtype) for z in flat]
        return tf.add_n([tf.reduce_sum(z * sign) for z, sign in zip(flat, signs, strict=True)]) / N_PRIOR_EXAMPLES

    gain = _squared_norms(graph, calls, inputs, probe)
    # A network that passes no gradient, because it still is zero somewhere, says nothing: all layers are as good.
    return gain if any(gain.values()) else dict.fromkeys(gain, 1.0)


def check_gain(gain: Mapping[str, float], names: set[str]) -> dict[str, float]:
    """Returns a gain that the caller gave, as a dict.

    Raises:
        TypeError: It isn't a mapping.
        ValueError: It has an unknown layer, or a value that is negative or no number.
    """
    if not isinstance(gain, Mapping):
        raise TypeError(
            "gain must map layer names to numbers. "
            f"Received: gain={gain!r}. Give the result of tfdgsu.measure_gain, or leave it out."
        )
    for name, value in gain.items():
        if str(name).removesuffix(BIAS_SUFFIX) not in names:
            raise ValueError(
                f"gain must name convolutions of the prepared model. Received: {name!r}. There are {sorted(names)}."
            )
        if not is_real(value) or value < 0:
            raise ValueError(
                f"A gain must be a number, at least 0. Received: gain[{name!r}]={value!r}. 0 keeps the kernel frozen."
            )
    return {name: float(value) for name, value in gain.items()}


def reachable(graph: LayerGraph) -> list[LayerCall]:
    """Returns the last convolutions of a graph, in order, as far back as each can be updated and gradient reaches it."""
    found = []
    for call in reversed(graph.calls):
        if not has_kernel(call.layer) or type(call.layer) is layers.Dense:
            continue
        if why_unreachable(call, graph) is not None:
            break
        found.append(call)
    return found[::-1]


def why_unreachable(call: LayerCall, graph: LayerGraph) -> str | None:
    """Returns why the layer of `call` can't be updated, or `None` if it can."""
    if not is_updatable(call, graph):
        return f"it can't be updated: {refusal(call, True, graph)}"
    for other in trace(graph, {call.name}).calls:
        reason = refusal(other, False, graph)
        if reason is not None:
            return f"gradient can't pass through {other.name!r}: {reason}"
    return None


def _squared_norms(graph, calls, inputs, loss_of) -> dict[str, float]:
    if not calls:
        return {}
    for call in graph.calls:  # Of a prepared model, which is a copy.
        if type(call.layer) is layers.Dropout:
            call.layer.rate = 0.0
    updates = {call: _whole(call) for call in calls}
    path = trace(graph, {call.name for call in calls})
    step = methods.get("dynamic_sparse").gradients(path, updates, {}, inputs, loss_of)
    squared = {call.name: step.kernels.get(call.name) for call in calls}
    squared.update({f"{name}{BIAS_SUFFIX}": gradient for name, gradient in step.biases.items()})
    return {name: _squared_norm(gradient) for name, gradient in squared.items()}


def _squared_norm(gradient: tf.Tensor | None) -> float:
    if gradient is None:  # The loss doesn't depend on it.
        return 0.0
    norm = float(np.sum(np.square(gradient.numpy(), dtype=np.float64)))
    return norm if np.isfinite(norm) else 0.0


def _whole(call: LayerCall) -> LayerUpdate:
    shape = tuple(call.layer.kernel.shape)
    return LayerUpdate(call.name, type(call.layer).__name__, shape, shape[-2], shape[-2], bool(call.layer.use_bias))


def _features_of(prepared: keras.Model, names: list[str]) -> keras.Model:
    """The model up to what its last Dense layer reads, if all the layers lie in front of that; else the whole model.

    A head that still is zero passes no gradient.
    """
    graph = flatten(prepared)
    kernels = [call for call in graph.calls if has_kernel(call.layer)]
    if not kernels or type(kernels[-1].layer) is not layers.Dense:
        return prepared
    head = kernels[-1]
    features = keras.Model(prepared.inputs, head.layer.input)
    found = flatten(features)
    return features if all(found.find(name) is not None for name in names) else prepared


def _input_noise(rng: np.random.Generator, value: Value) -> np.ndarray:
    """Noise for one input of the model; zeros if it takes whole numbers."""
    value.n_elements(1)  # Refuses unknown sizes.
    shape = (N_PRIOR_EXAMPLES, *value.shape[1:])
    return octave_noise(rng, shape) if np.issubdtype(np.dtype(value.dtype), np.floating) else np.zeros(shape)


def octave_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Returns Gaussian noise of variance 1 [batch, ..., channels]: one noise per octave of the axes in between, summed."""
    spatial = shape[1:-1]
    factors = [2**i for i in range(max(spatial, default=1).bit_length())]
    total = np.zeros(shape)
    for factor in factors:
        noise = rng.standard_normal((shape[0], *(-(-size // factor) for size in spatial), shape[-1]))
        for axis, size in enumerate(spatial, start=1):
            noise = np.repeat(noise, factor, axis=axis).take(range(size), axis=axis)
        total += noise
    return total / np.sqrt(len(factors))
