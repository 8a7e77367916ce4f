# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu.plan`: which layers and how many channels fit a memory budget."""

from collections.abc import Mapping

import keras

from .byte_size import parse_bytes
from .number_format import DEFAULT_ROUNDING
from .planner import Planner
from .prepare import prepare
from .sparse_update_plan import SparseUpdatePlan

DEFAULT_FRACTION = 0.02


def plan(
    model: keras.Model,
    ram: str | int | None = None,
    update_fraction: float | None = None,
    *,
    layers: Mapping[str, int | tuple[int, int]] | None = None,
    n_layers: int | None = None,
    update_bias: bool = True,
    train_head: bool = True,
    batch_size: int = 1,
    momentum: bool = False,
    method: str = "dynamic_sparse",
    quantize: str | None = None,
    rounding: str = DEFAULT_ROUNDING,
    gain: Mapping[str, float] | None = None,
    pools: bool = False,
    optimizer: str = "sgd",
) -> SparseUpdatePlan:
    """Decides what a training step updates, within a memory budget.

    Without `layers`, update layers are some last convolutions of the model, biases included, such that the expected gain is
    as high as the budget allows. Every number of last layers is a candidate; there, the fraction goes channel by channel to
    the kernel with the most gain per weight, where k of C channels count gain * sqrt(k / C). If that exceeds `ram`, the
    kernels with the least gain per byte stay in flash and only their biases are updated: a kernel is mutable memory as
    a whole. `summary()` prints the gain, the bytes and the reason of every layer.

    The gain of a layer is the squared norm of its kernel's gradient: by default that of the features in front of the head,
    E ||dz/dW||^2, measured on noise, which needs no data; or measured on yours, with `tfdgsu.measure_gain`. In networks of
    inverted bottlenecks, by default, the kernels of expanding convolutions alone have a gain, the same for each weight, so
    that these layers update equal shares of their channels, and less than biases, which come first where the budget is
    tight; unless they have fewer weights than `update_fraction` asks for.

    Example:
        plan = tfdgsu.plan(model, ram="256KB", update_fraction=0.02)
        plan.summary()
        plan = tfdgsu.plan(model, layers={"block_16_project": 12, "block_15_project": 8})

    Args:
        model: A built Functional or Sequential Keras model; it is not changed.
        ram: Budget for the arena, mutable weights + interpreter + max(forward peak, backward peak): bytes, or a string such
            as "256KB" or "1MiB" (both binary: 1 KB = 1024 bytes). `None`: no limit. Planning estimates the arena of the
            host's interpreter to a few percent; the exporter predicts it exactly.
        update_fraction: Share of all convolution weights updated per step, in [0, 1]; 0.02 if not given. 0 updates
            biases only.
        layers: Explicit choice instead: input channels per step by layer name of the prepared model (`SeparableConv2D`
            "a" is "a_depthwise" and "a_pointwise"); 0 means bias only. In int8, a pair (k, P) of a Conv2D says that only
            P channels, the layer's pool, are mutable and drawn from.
        n_layers: How many of the last convolutions are update layers. By default the budget decides, up to 60% of them.
        update_bias: Whether update layers also update their whole bias.
        train_head: Whether the last dense layer is fully updated, too.
        batch_size: Batch size on the device.
        momentum: Count velocities, for SGD with momentum.
        method: Update method; see `tfdgsu.methods`.
        quantize: "int8" counts the bytes of an int8 bundle, `None` those of a float32 one.
        rounding: How an int8 bundle rounds: "stochastic", "nearest", or "remainder", which takes a second byte per weight.
        gain: Expected gain by layer name of the prepared model: the result of `tfdgsu.measure_gain`, or your own numbers.
            Layers that aren't named have none; "<layer>/bias" is that of a bias.
        pools: Whether, in int8, the planner may leave channels of an update layer in flash, never to be drawn, before it
            gives up whole kernels. P of C channels count P / C of the gain. Off unless asked for: whether a smaller pool in
            more layers trains better than whole kernels in fewer has not been measured.
        optimizer: "sgd" for keras.optimizers.SGD, or "lars" for `tfdgsu.LARS`: velocities of convolutions' kernels, and
            eight bytes for each.

    Returns:
        A frozen `SparseUpdatePlan`.

    Raises:
        TypeError: The model is neither Functional nor Sequential, or `layers` or `gain` isn't a mapping.
        ValueError: The budget can't be met (the message says what would fit), a layer can't be updated or gradient can't
            pass through it, or an argument is out of range.
    """
    planner = Planner(
        prepare(model),
        parse_bytes(ram),
        update_bias,
        train_head,
        batch_size,
        momentum,
        method,
        quantize,
        rounding,
        gain,
        pools,
        optimizer,
    )
    if layers is None:
        return planner.choose(DEFAULT_FRACTION if update_fraction is None else update_fraction, n_layers)
    if update_fraction is not None or n_layers is not None or gain is not None:
        raise ValueError(
            "layers= is an explicit choice and excludes update_fraction=, n_layers= and gain=. "
            f"Received: layers={layers}, update_fraction={update_fraction}, n_layers={n_layers}. Drop one side."
        )
    return planner.explicit(layers)
