# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Makes and compares candidate plans for one prepared model."""

import dataclasses
import math
from collections.abc import Mapping

import keras

from . import methods
from .allocation import allocate, channel_gain
from .expected_gain import BIAS_SUFFIX, check_gain, prior_gain, reachable
from .gradient_path import check, has_kernel, trace
from .inverted_bottlenecks import equal_gain, expanding_convolutions, n_kernel_weights
from .layer_graph import LayerCall, flatten
from .number_checks import is_real, is_whole
from .number_format import FLOAT32, number_format
from .optimizer_slots import OPTIMIZERS
from .plan_reasons import reasons_of_choice, reasons_of_explicit
from .sparse_update_plan import LayerUpdate, SparseUpdatePlan

N_FRACTION_HALVINGS = 12
# Earlier layers cost more memory and adapt a pretrained network less (arXiv 2206.15472, contribution analysis): on a
# MobileNetV2 of 17 blocks this is the last ten.
REACHED_SHARE = 0.6
# Pools to try, as shares of a layer's channels, but never fewer than twice what is selected: re-drawing is the point.
POOL_SHARES = (1.0, 0.75, 0.5, 0.25)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One way to meet the budget.

    Attributes:
        n_last: How many of the last convolutions are update layers.
        selected: Input channels per step of each of them, 0 for bias only.
        pool_share: Share of a layer's channels that selected ones are drawn from, 1 for all.
        plan: The plan.
        gain: Its expected gain.
    """

    n_last: int
    selected: dict[LayerCall, int]
    pool_share: float
    plan: SparseUpdatePlan
    gain: float


class Planner:
    """Plans for one model, budget and way to train; see `tfdgsu.plan` for the arguments."""

    def __init__(
        self,
        prepared,
        ram_bytes,
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
    ):
        if not is_whole(batch_size) or batch_size < 1:
            raise ValueError(
                f"batch_size must be a whole number, at least 1. Received: batch_size={batch_size!r}. Give the device's, 1 on most."
            )
        self.prepared, self.graph = prepared, flatten(prepared)
        if optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer must be one of {list(OPTIMIZERS)}, which train on a device. Received: optimizer={optimizer!r}. "
                "Name the one that you compile with."
            )
        self.ram_bytes, self.update_bias, self.optimizer = ram_bytes, update_bias, optimizer
        self.momentum = bool(momentum or optimizer == "lars")
        self.batch_size, self.method = int(batch_size), methods.get(method)
        self.format = number_format(quantize, rounding)
        self.quantize, self.rounding = quantize, rounding if quantize else None
        kernels = [call for call in self.graph.calls if has_kernel(call.layer)]
        self.convolutions = [call for call in kernels if not isinstance(call.layer, keras.layers.Dense)]
        self.kernels = list({id(call.layer): call for call in kernels}.values())
        dense = [call for call in kernels if isinstance(call.layer, keras.layers.Dense)]
        self.head = dense[-1] if train_head and dense else None
        unique = {id(call.layer): call for call in self.convolutions}.values()
        self.n_conv_weights = sum(map(n_kernel_weights, unique))
        if pools and not self.format.has_pools:
            raise ValueError(
                "Only int8 bundles hold kernels of which a part is mutable. "
                f"Received: pools={pools!r}, quantize={quantize!r}. Drop pools=, or plan with quantize='int8'."
            )
        self.pool_shares = POOL_SHARES if pools else (1.0,)
        self.given_gain = None if gain is None else check_gain(gain, {call.name for call in self.convolutions})
        self.gain: dict[str, float] = {}
        # If not empty: the only ones whose kernels are updated.
        self.expanding: list[LayerCall] = []

    def explicit(self, layers: Mapping[str, int]) -> SparseUpdatePlan:
        if not isinstance(layers, Mapping):
            raise TypeError(
                "layers= maps layer names to numbers of input channels. "
                f"Received: layers={layers!r}. Write it as layers={{'conv_1': 8, 'conv_2': 0}}; 0 is bias only."
            )
        selected, mutable = {}, {}
        for name, n_selected in layers.items():
            call = self.graph.find(name) if isinstance(name, str) else None
            if call is None or not has_kernel(call.layer):
                raise ValueError(
                    "An update layer must be a convolution or dense layer of the prepared model. "
                    f"Received: {name!r}. There are {[call.name for call in self.kernels]}."
                )
            selected[call], mutable[call] = self._explicit_channels(call, n_selected)
        made = self.make(selected, mutable)
        if not self.fits(made):
            raise ValueError(
                f"{self._misses(made)} Select fewer channels or leave out the deepest layer, {made.layers[0].name!r}."
            )
        return dataclasses.replace(made, reasons=reasons_of_explicit(self, made))

    def _explicit_channels(self, call: LayerCall, chosen) -> tuple[int, int]:
        """Returns how many channels the caller selects, and of how many."""
        n_channels = call.layer.kernel.shape[-2]
        has_pool = isinstance(chosen, tuple) and len(chosen) == 2
        n_selected, n_mutable = chosen if has_pool else (chosen, n_channels)
        if not is_whole(n_selected) or not 0 <= n_selected <= n_channels:
            raise ValueError(
                f"A layer updates between 0 and all of its {n_channels} input channels. "
                f"Received: layers[{call.name!r}]={chosen!r}. Give a whole number in that range."
            )
        if not is_whole(n_mutable) or not max(1, n_selected) <= n_mutable <= n_channels:
            raise ValueError(
                f"A pool has between {max(1, n_selected)} and all {n_channels} input channels of its layer. "
                f"Received: layers[{call.name!r}]={chosen!r}. Give (selected, pool)."
            )
        if n_mutable < n_channels and not self._can_have_pool(call):
            raise ValueError(
                "Only Conv2D layers of int8 bundles can have a pool smaller than all their channels. "
                f"Received: layers[{call.name!r}]={chosen!r} of a {type(call.layer).__name__}, "
                f"quantize={self.quantize!r}. Give one number, or plan with quantize='int8'."
            )
        return int(n_selected), int(n_mutable)

    def _can_have_pool(self, call: LayerCall) -> bool:
        return self.format.has_pools and type(call.layer) is keras.layers.Conv2D

    def choose(self, update_fraction: float, n_layers: int | None) -> SparseUpdatePlan:
        if not is_real(update_fraction) or not 0 <= update_fraction <= 1:
            raise ValueError(
                f"update_fraction must be in [0, 1]. Received: update_fraction={update_fraction!r}. For 2% give 0.02."
            )
        considered = self._considered(n_layers)
        self.gain = self.given_gain
        if self.gain is None:
            self.gain = self._default_gain(update_fraction, considered)
        deepest = len(considered)
        shallowest = deepest if n_layers is not None else min(1, deepest)
        best = smallest = None
        for n_last in range(deepest, shallowest - 1, -1):
            if best is not None and self._bound(update_fraction, n_last) <= best.gain:
                break  # Fewer layers can only gain less.
            made = self._fit(update_fraction, n_last)
            if not self.fits(made.plan):
                smallest = min(smallest or made.plan, made.plan, key=lambda plan: plan.cost.total_bytes)
            elif best is None or made.gain > best.gain:
                best = made
        if best is None:
            raise ValueError(f"{self._misses(smallest)} {self._remedy(update_fraction, deepest)}")
        best = self._add_back(update_fraction, best)
        return dataclasses.replace(best.plan, reasons=reasons_of_choice(self, update_fraction, best, considered))

    def _default_gain(self, update_fraction: float, considered: list[LayerCall]) -> dict[str, float]:
        names = [call.name for call in considered]
        gain = prior_gain(self.prepared, names)
        expanding = expanding_convolutions(considered)
        if not expanding or sum(map(n_kernel_weights, expanding)) < update_fraction * self.n_conv_weights:
            return gain
        self.expanding = expanding
        return equal_gain(gain, names, expanding)

    def fits(self, made: SparseUpdatePlan) -> bool:
        return self.ram_bytes is None or made.cost.total_bytes <= self.ram_bytes

    def _bound(self, update_fraction: float, n_last: int) -> float:
        calls = self.last(n_last)
        return self._gain_of(calls, self.spread(update_fraction, calls))

    def _fit(self, update_fraction: float, n_last: int) -> Candidate:
        """Returns a plan for the last convolutions, the kernels that gain least per byte frozen as far as the budget asks.

        A kernel is mutable as a whole, however few of its channels are selected; frozen, it stays in flash.
        """
        calls = self.last(n_last)
        unlimited = self.spread(update_fraction, calls)
        by_density = sorted(calls, key=lambda call: self._density(call, unlimited[call]))

        def without(n_frozen: int, pool_share: float) -> Candidate:
            frozen = set(by_density[:n_frozen])
            return self._candidate(update_fraction, calls, [call for call in calls if call not in frozen], pool_share)

        def fewest_frozen(pool_share: float) -> Candidate:
            low, high = 0, max(1, len(calls))
            while low < high:
                middle = (low + high) // 2 if low else 0  # Most often nothing must be frozen.
                low, high = (low, middle) if self.fits(without(middle, pool_share).plan) else (middle + 1, high)
            return without(low, pool_share)

        made = [fewest_frozen(self.pool_shares[0])]
        if any(call for call in calls if not made[0].selected[call]):
            made += [fewest_frozen(pool_share) for pool_share in self.pool_shares[1:]]
        fitting = [candidate for candidate in made if self.fits(candidate.plan)]
        if fitting:
            return max(fitting, key=lambda candidate: candidate.gain)
        return min(made, key=lambda candidate: candidate.plan.cost.total_bytes)

    def _add_back(self, update_fraction: float, best: Candidate) -> Candidate:
        """Opens kernels again that do fit, the most gain per byte first."""
        closed = [call for call in self.last(best.n_last) if not best.selected[call]]
        for call in sorted(closed, key=lambda call: -self._density(call, 1)):
            made = self.with_kernel(update_fraction, best, call)
            if self.fits(made.plan) and made.gain > best.gain:
                best = made
        return best

    def with_kernel(self, update_fraction: float, candidate: Candidate, call: LayerCall) -> Candidate:
        """Returns a candidate with one more kernel among those that share the weights."""
        calls = self.last(candidate.n_last)
        open_calls = [other for other in calls if candidate.selected[other] or other is call]
        return self._candidate(update_fraction, calls, open_calls, candidate.pool_share)

    def _candidate(self, update_fraction: float, calls, open_calls, pool_share: float) -> Candidate:
        selected = {**dict.fromkeys(calls, 0), **self.spread(update_fraction, open_calls)}
        mutable = {call: self._pool_size(call, n_selected, pool_share) for call, n_selected in selected.items()}
        made = self.make(selected, mutable)
        return Candidate(len(calls), selected, pool_share, made, self._gain_of(calls, selected, mutable))

    def _pool_size(self, call: LayerCall, n_selected: int, pool_share: float) -> int:
        n_channels = call.layer.kernel.shape[-2]
        if not n_selected or not self._can_have_pool(call):
            return n_channels
        return min(n_channels, max(math.ceil(pool_share * n_channels), 2 * n_selected))

    def _gain_of(self, calls: list[LayerCall], selected: dict[LayerCall, int], mutable=None) -> float:
        mutable = mutable or {}
        kernels = (
            channel_gain(
                self.gain.get(call.name, 0.0), selected.get(call, 0), call.layer.kernel.shape[-2], mutable.get(call)
            )
            for call in calls
        )
        biases = (self.gain.get(call.name + BIAS_SUFFIX, 0.0) for call in calls if self.update_bias)
        return math.fsum(kernels) + math.fsum(biases)

    def _density(self, call: LayerCall, n_selected: int) -> float:
        """Gain per byte that a kernel takes by itself: variables and selected channels."""
        n_channels = call.layer.kernel.shape[-2]
        n_kept = call.inputs[0].n_elements(self.batch_size) // n_channels * n_selected
        n_bytes = self.format.kernel_bytes * n_kernel_weights(call) + self.format.activation_bytes * n_kept
        return channel_gain(self.gain.get(call.name, 0.0), n_selected, n_channels) / n_bytes

    def last(self, n_last: int) -> list[LayerCall]:
        """The last convolutions."""
        return self.convolutions[len(self.convolutions) - n_last :]

    def spread(self, update_fraction: float, calls: list[LayerCall]) -> dict[LayerCall, int]:
        """Spreads the fraction over the kernels of some convolutions by gain per weight."""
        shapes = [tuple(call.layer.kernel.shape) for call in calls]
        gains = [self.gain.get(call.name, 0.0) for call in calls]
        return dict(zip(calls, allocate(shapes, gains, update_fraction * self.n_conv_weights), strict=True))

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
                    made = self._fit(fraction, n_last).plan
                except ValueError:  # Nothing left to update.
                    continue
                if self.fits(made):
                    return (
                        f"What fits: n_layers={n_last}, update_fraction={made.update_fraction:.5f} "
                        f"({made.cost.total_bytes:,} bytes){self._or_int8}."
                    )
                if smallest is None or made.cost.total_bytes < smallest.cost.total_bytes:
                    smallest = made
        return (
            f"No plan fits; the smallest needs {smallest.cost.total_bytes:,} bytes, of which its forward peak is "
            f"{smallest.cost.forward_peak_bytes:,}. Raise ram=, or use a smaller input or model{self._or_int8}."
        )

    @property
    def _or_int8(self) -> str:
        return ', or quantize="int8"' if self.format is FLOAT32 else ""

    def make(self, selected: dict[LayerCall, int], mutable: dict[LayerCall, int] | None = None) -> SparseUpdatePlan:
        """Returns the plan for chosen numbers of channels and sizes of pools, without its reasons."""
        mutable = mutable or {}
        if self.head is not None and self.head not in selected:
            selected = {**selected, self.head: self.head.layer.kernel.shape[-2]}
        updates = tuple(
            self._update(call, selected[call], mutable.get(call)) for call in self.graph.calls if call in selected
        )
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
            cost=self.method.cost(path, updates, self.batch_size, self.momentum, self.format, self.optimizer),
            quantize=self.quantize,
            rounding=self.rounding,
            optimizer=self.optimizer,
        )

    def _update(self, call: LayerCall, n_selected: int, n_mutable: int | None) -> LayerUpdate:
        layer = call.layer
        shape = tuple(layer.kernel.shape)
        return LayerUpdate(
            name=call.name,
            kind=type(layer).__name__,
            kernel_shape=shape,
            n_channels=shape[-2],
            n_selected=n_selected,
            update_bias=bool(self.update_bias and layer.use_bias),
            n_mutable=n_mutable if n_selected else None,
        )

    def _considered(self, n_layers: int | None) -> list[LayerCall]:
        """The last convolutions that may become update layers: as many as asked for, or as gradient reaches."""
        if n_layers is None:
            n_most = math.ceil(REACHED_SHARE * len(self.convolutions))
            return reachable(self.graph)[-n_most:] if n_most else []
        if not is_whole(n_layers) or not 0 <= n_layers <= len(self.convolutions):
            raise ValueError(
                f"n_layers must be between 0 and the model's {len(self.convolutions)} convolutions. "
                f"Received: n_layers={n_layers!r}. Leave it out to let the budget decide."
            )
        calls = self.last(int(n_layers))
        names = {call.name for call in calls}
        check(trace(self.graph, names), names)
        return calls
