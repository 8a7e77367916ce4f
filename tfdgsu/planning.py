# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu.plan`: which layers and how many channels fit a memory budget."""

import math

import keras

from . import methods
from .allocation import allocate
from .byte_size import parse_bytes
from .gradient_path import check, has_kernel, is_updatable, refusal, trace
from .layer_graph import LayerCall, LayerGraph, flatten
from .number_checks import is_real, is_whole
from .prepare import prepare
from .sparse_update_plan import LayerUpdate, SparseUpdatePlan

N_FRACTION_HALVINGS = 12
# Reaching deeper is worth this share of the wanted fraction: many layers adapt better than many channels of one.
SIMILAR_FRACTION = 0.25


def plan(
    model: keras.Model,
    ram: str | int | None = None,
    update_fraction: float | None = None,
    *,
    layers: dict[str, int] | None = None,
    n_layers: int | None = None,
    update_bias: bool = True,
    train_head: bool = True,
    batch_size: int = 1,
    momentum: bool = False,
    method: str = "dynamic_sparse",
) -> SparseUpdatePlan:
    """Decides what a training step updates, within a memory budget.

    Without `layers`, the update layers are the last half of the convolutions, fewer if the budget asks for it, because a
    step's memory grows with the depth that gradient has to reach while late layers hold most of the weights. The
    fraction is spread evenly: every layer updates the same share of its input channels. A layer where a single channel
    would be more than its share updates only its bias, and so do, if the budget asks for it, the largest kernels: a kernel
    is mutable memory as a whole.

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
            "a" is "a_depthwise" and "a_pointwise"); 0 means bias only.
        n_layers: How many of the last convolutions are update layers.
        update_bias: Whether update layers also update their whole bias.
        train_head: Whether the last dense layer is fully updated, too.
        batch_size: Batch size on the device.
        momentum: Count velocities, for SGD with momentum.
        method: Update method; see `tfdgsu.methods`.

    Returns:
        A frozen `SparseUpdatePlan`.

    Raises:
        TypeError: The model is neither Functional nor Sequential.
        ValueError: The budget can't be met (the message says what would fit), a layer can't be updated or gradient can't
            pass through it, or an argument is out of range.
    """
    planner = _Planner(prepare(model), parse_bytes(ram), update_bias, train_head, batch_size, momentum, method)
    if layers is not None:
        if update_fraction is not None or n_layers is not None:
            raise ValueError(
                "layers= is an explicit choice and excludes update_fraction= and n_layers=. "
                f"Received: layers={layers}, update_fraction={update_fraction}, n_layers={n_layers}. Drop one side."
            )
        return planner.explicit(layers)
    return planner.choose(0.02 if update_fraction is None else update_fraction, n_layers)


class _Planner:
    """Makes and compares candidate plans for one prepared model."""

    def __init__(self, prepared, ram_bytes, update_bias, train_head, batch_size, momentum, method):
        if not is_whole(batch_size) or batch_size < 1:
            raise ValueError(
                f"batch_size must be a whole number, at least 1. Received: batch_size={batch_size!r}. Give the device's, 1 on most."
            )
        self.graph: LayerGraph = flatten(prepared)
        self.ram_bytes, self.update_bias, self.momentum = ram_bytes, update_bias, momentum
        self.batch_size, self.method = int(batch_size), methods.get(method)
        kernels = [call for call in self.graph.calls if has_kernel(call.layer)]
        self.convolutions = [call for call in kernels if not isinstance(call.layer, keras.layers.Dense)]
        self.kernels = list({id(call.layer): call for call in kernels}.values())
        dense = [call for call in kernels if isinstance(call.layer, keras.layers.Dense)]
        self.head = dense[-1] if train_head and dense else None
        unique = {id(call.layer): call.layer for call in self.convolutions}.values()
        self.n_conv_weights = sum(math.prod(layer.kernel.shape) for layer in unique)

    def explicit(self, layers: dict[str, int]) -> SparseUpdatePlan:
        selected = {}
        for name, n_selected in layers.items():
            call = self.graph.find(name)
            if call is None or not has_kernel(call.layer):
                raise ValueError(
                    "An update layer must be a convolution or dense layer of the prepared model. "
                    f"Received: {name!r}. There are {[call.name for call in self.kernels]}."
                )
            n_channels = call.layer.kernel.shape[-2]
            if not is_whole(n_selected) or not 0 <= n_selected <= n_channels:
                raise ValueError(
                    f"A layer updates between 0 and all of its {n_channels} input channels. "
                    f"Received: layers[{name!r}]={n_selected!r}. Give a whole number in that range."
                )
            selected[call] = int(n_selected)
        made = self._make(selected)
        if self.ram_bytes is not None and made.cost.total_bytes > self.ram_bytes:
            raise ValueError(
                f"{self._misses(made)} Select fewer channels or leave out the deepest layer, {made.layers[0].name!r}."
            )
        return made

    def choose(self, update_fraction: float, n_layers: int | None) -> SparseUpdatePlan:
        if not is_real(update_fraction) or not 0 <= update_fraction <= 1:
            raise ValueError(
                f"update_fraction must be in [0, 1]. Received: update_fraction={update_fraction!r}. For 2% give 0.02."
            )
        deepest = self._reachable(n_layers)
        shallowest = deepest if n_layers is not None else min(1, deepest)
        best = smallest = None
        for n_last in range(deepest, shallowest - 1, -1):
            made = self._fit(update_fraction, n_last)
            if not self._fits(made):
                smallest = min(smallest or made, made, key=lambda candidate: candidate.cost.total_bytes)
            elif best is None or made.update_fraction > best.update_fraction + SIMILAR_FRACTION * update_fraction:
                best = made
        if best is None:
            raise ValueError(f"{self._misses(smallest)} {self._remedy(update_fraction, deepest)}")
        return best

    def _fit(self, update_fraction: float, n_last: int) -> SparseUpdatePlan:
        """Returns a plan for the last convolutions, the largest kernels left frozen as far as the budget asks for it.

        A kernel is mutable as a whole, however few of its channels are selected; frozen, it stays in flash.
        """

        def with_frozen(n_frozen: int) -> SparseUpdatePlan:
            return self._make(self._spread(update_fraction, n_last, n_frozen))

        if self._fits(made := with_frozen(0)):
            return made
        low, high = 1, n_last
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._fits(with_frozen(middle)) else (middle + 1, high)
        return with_frozen(low)

    def _fits(self, made: SparseUpdatePlan) -> bool:
        return self.ram_bytes is None or made.cost.total_bytes <= self.ram_bytes

    def _misses(self, made: SparseUpdatePlan) -> str:
        largest = ", ".join(f"{item.name} ({item.n_bytes:,})" for item in made.cost.items[:3])
        return (
            f"This plan needs at least ram={made.cost.total_bytes:,} bytes, the budget is {self.ram_bytes:,}. "
            f"Received: update layers from {made.layers[0].name!r} on, {made.update_fraction:.4f} of the convolution "
            f"weights. Largest: {largest}."
        )

    def _remedy(self, update_fraction: float, deepest: int) -> str:
        """Says the largest fraction that fits, with any number of last layers."""
        fractions = [update_fraction / 2**n_halvings for n_halvings in range(N_FRACTION_HALVINGS)] + [0.0]
        smallest = None
        for fraction in fractions:
            for n_last in range(deepest, -1, -1):
                try:
                    made = self._fit(fraction, n_last)
                except ValueError:  # Nothing left to update.
                    continue
                if self._fits(made):
                    return (
                        f"What fits: n_layers={n_last}, update_fraction={made.update_fraction:.5f} "
                        f"({made.cost.total_bytes:,} bytes)."
                    )
                if smallest is None or made.cost.total_bytes < smallest.cost.total_bytes:
                    smallest = made
        return (
            f"No plan fits; the smallest needs {smallest.cost.total_bytes:,} bytes, of which its forward peak is "
            f"{smallest.cost.forward_peak_bytes:,}. Raise ram=, or use a smaller input or model."
        )

    def _spread(self, update_fraction: float, n_last: int, n_frozen: int = 0) -> dict[LayerCall, int]:
        """Spreads the fraction over the last convolutions but the `n_frozen` largest, which update only their bias."""
        calls = self.convolutions[len(self.convolutions) - n_last :]
        by_size = sorted(calls, key=lambda call: -math.prod(call.layer.kernel.shape))
        chosen = [call for call in calls if call not in by_size[:n_frozen]]
        shapes = [tuple(call.layer.kernel.shape) for call in chosen]
        allocation = allocate(shapes, update_fraction * self.n_conv_weights)
        return {**dict.fromkeys(calls, 0), **dict(zip(chosen, allocation, strict=True))}

    def _make(self, selected: dict[LayerCall, int]) -> SparseUpdatePlan:
        if self.head is not None and self.head not in selected:
            selected = {**selected, self.head: self.head.layer.kernel.shape[-2]}
        updates = tuple(self._update(call, selected[call]) for call in self.graph.calls if call in selected)
        updates = tuple(update for update in updates if update.n_selected or update.update_bias)
        if not updates:
            raise ValueError(
                "A plan must update something. Received: no layer with channels or a bias to update. "
                "Raise update_fraction=, or set update_bias=True or train_head=True."
            )
        names = {update.name for update in updates}
        path = trace(self.graph, names)
        check(path, names)
        return SparseUpdatePlan(
            method=self.method.NAME,
            layers=updates,
            frozen=tuple(call.name for call in self.kernels if call.name not in names),
            n_conv_weights=self.n_conv_weights,
            batch_size=self.batch_size,
            momentum=self.momentum,
            ram_bytes=self.ram_bytes,
            cost=self.method.cost(path, updates, self.batch_size, self.momentum),
        )

    def _update(self, call: LayerCall, n_selected: int) -> LayerUpdate:
        layer = call.layer
        shape = tuple(layer.kernel.shape)
        return LayerUpdate(
            name=call.name,
            kind=type(layer).__name__,
            kernel_shape=shape,
            n_channels=shape[-2],
            n_selected=n_selected,
            update_bias=bool(self.update_bias and layer.use_bias),
        )

    def _reachable(self, n_layers: int | None) -> int:
        """How many of the last convolutions to consider: those that gradient reaches, at most half by default."""
        if n_layers is not None:
            if not is_whole(n_layers) or not 0 <= n_layers <= len(self.convolutions):
                raise ValueError(
                    f"n_layers must be between 0 and the model's {len(self.convolutions)} convolutions. "
                    f"Received: n_layers={n_layers!r}. Leave it out to let the budget decide."
                )
            return int(n_layers)
        n_last = 0
        for call in reversed(self.convolutions):
            if n_last == math.ceil(len(self.convolutions) / 2) or not self._is_reachable(call):
                break
            n_last += 1
        return n_last

    def _is_reachable(self, call: LayerCall) -> bool:
        if not is_updatable(call, self.graph):
            return False
        path = trace(self.graph, {call.name})
        return all(refusal(other, False, self.graph) is None for other in path.calls)
