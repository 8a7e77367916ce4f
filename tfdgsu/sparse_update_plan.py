# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What is updated, what stays frozen, and what that costs on a device."""

import dataclasses
import json
import math
from typing import Any

N_LARGEST = 5
FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)  # Version 1 knew float32 only and gave no reasons.


@dataclasses.dataclass(frozen=True)
class LayerUpdate:
    """One update layer.

    Attributes:
        name: Name of the layer in the prepared model.
        kind: Its class: "Conv2D", "Conv1D", "DepthwiseConv2D" or "Dense".
        kernel_shape: Shape of its kernel, input channels on axis -2.
        n_channels: Input channels C (of a dense layer: input features).
        n_selected: Input channels k updated per step; C updates all without gathering, 0 updates the bias only.
        update_bias: Whether the whole bias is updated every step.
        n_mutable: Input channels P that selected ones are drawn from, the layer's pool; the others never move and stay in
            flash. C by default.
    """

    name: str
    kind: str
    kernel_shape: tuple[int, ...]
    n_channels: int
    n_selected: int
    update_bias: bool
    n_mutable: int | None = None

    def __post_init__(self):
        if self.n_mutable is None:
            object.__setattr__(self, "n_mutable", self.n_channels)

    @property
    def has_pool(self) -> bool:
        """True if some channels of a kernel that moves are never drawn."""
        return self.n_selected > 0 and self.n_mutable < self.n_channels

    @property
    def n_mutable_weights(self) -> int:
        """Kernel elements that any step may update."""
        return self.n_mutable * self.weights_per_channel if self.n_selected else 0

    @property
    def weights_per_channel(self) -> int:
        """Kernel elements that belong to one input channel."""
        return math.prod(self.kernel_shape) // self.n_channels

    @property
    def n_updated_weights(self) -> int:
        """Kernel elements updated per step."""
        return self.n_selected * self.weights_per_channel

    @property
    def is_sparse(self) -> bool:
        """True if channels are selected, so that the layer has a `channels` variable."""
        return 0 < self.n_selected < self.n_channels


@dataclasses.dataclass(frozen=True)
class CostItem:
    """One buffer of the predicted cost: what it is and its size."""

    name: str
    kind: str
    n_bytes: int


@dataclasses.dataclass(frozen=True)
class LayerReason:
    """Why a layer is or isn't updated.

    Attributes:
        name: Name of a layer with a kernel.
        gain: Its expected gain if its whole kernel moved (see `tfdgsu.plan`), or `None` if the plan didn't ask for it.
        n_bytes: Its own bytes in this plan: variables, selected channels, the mask behind it. 0 if frozen.
        reason: In words.
    """

    name: str
    gain: float | None
    n_bytes: int
    reason: str


@dataclasses.dataclass(frozen=True)
class PlanCost:
    """Predicted bytes on a device.

    Attributes:
        kept_activation_bytes: Values kept from forward to backward: selected channels, pooling places, softmax outputs.
        relu_mask_bytes: Masks of one bit per element that activations keep.
        mutable_weight_bytes: Kernels and biases of the update layers, the optimizer's state, channel numbers, step counter.
        interpreter_bytes: The interpreter's own structures, estimated; the exporter knows them exactly.
        forward_peak_bytes: Most bytes alive at once during forward, kept ones included, mutable weights not.
        backward_peak_bytes: The same during loss, backward and update.
        items: Every buffer, the largest first.
    """

    kept_activation_bytes: int
    relu_mask_bytes: int
    mutable_weight_bytes: int
    interpreter_bytes: int
    forward_peak_bytes: int
    backward_peak_bytes: int
    items: tuple[CostItem, ...]

    @property
    def total_bytes(self) -> int:
        """What must fit, that is mutable weights, interpreter and the higher of the two peaks."""
        return (
            self.mutable_weight_bytes + self.interpreter_bytes + max(self.forward_peak_bytes, self.backward_peak_bytes)
        )


@dataclasses.dataclass(frozen=True)
class SparseUpdatePlan:
    """A frozen decision of what a training step updates; see `tfdgsu.plan`, which makes one.

    Attributes:
        method: Name of the update method (see `tfdgsu.methods`).
        layers: The update layers in forward order; a layer's position is its `layer_id`.
        frozen: Names of the other layers with a kernel.
        n_conv_weights: Kernel elements of all convolutions of the model, the base of `update_fraction`.
        batch_size: Batch size that the cost is for.
        momentum: Whether the cost includes velocities.
        ram_bytes: The budget the plan was made for, or `None`.
        cost: Predicted bytes.
        quantize: "int8" if the cost is that of an int8 bundle, `None` for float32.
        rounding: How an int8 bundle rounds updates: "stochastic", "remainder" or "nearest"; `None` for float32.
        reasons: Why each layer with a kernel is or isn't updated, in forward order; empty for plans of older versions and
            out of bundles.
        optimizer: "sgd" or "lars", whose state the cost includes.
    """

    method: str
    layers: tuple[LayerUpdate, ...]
    frozen: tuple[str, ...]
    n_conv_weights: int
    batch_size: int
    momentum: bool
    ram_bytes: int | None
    cost: PlanCost
    quantize: str | None = None
    rounding: str | None = None
    reasons: tuple[LayerReason, ...] = ()
    optimizer: str = "sgd"

    @property
    def update_fraction(self) -> float:
        """Share of the model's convolution weights that one step updates, in [0, 1]."""
        n_updated = sum(layer.n_updated_weights for layer in self.layers if layer.kind != "Dense")
        return n_updated / self.n_conv_weights if self.n_conv_weights else 0.0

    def layer(self, name: str) -> LayerUpdate:
        """Returns the update layer called `name`."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(
            "A layer must be one of the plan's update layers. "
            f"Received: {name!r}. The plan has {[layer.name for layer in self.layers]}."
        )

    def to_dict(self) -> dict:
        """Returns the plan as plain dicts, lists, strings and numbers."""
        return {"format_version": FORMAT_VERSION, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        """Returns the plan as one line of JSON, which `from_json` reads."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, fields: dict) -> "SparseUpdatePlan":
        """Returns the plan that `to_dict` described, also one of an older version.

        Raises:
            ValueError: The format version is unknown, or a field is missing or unknown.
            TypeError: Something is no object or no list where it should be.
        """
        fields = dict(_check_type(fields, dict, "plan"))
        version = fields.pop("format_version", None)
        if version not in READABLE_VERSIONS:
            raise ValueError(
                f"A plan's format_version must be one of {list(READABLE_VERSIONS)}. Received: {version!r}. "
                "Make it with this version."
            )
        for name, item_class in (("layers", LayerUpdate), ("reasons", LayerReason)):
            if name in fields:
                items = _check_type(fields[name], (list, tuple), name)
                fields[name] = tuple(_build(item_class, item, f"{name}[{i}]") for i, item in enumerate(items))
        if "frozen" in fields:
            fields["frozen"] = tuple(_check_type(fields["frozen"], (list, tuple), "frozen"))
        if "cost" in fields:
            fields["cost"] = _build(PlanCost, fields["cost"], "cost")
        return _build(cls, fields, "plan")

    @classmethod
    def from_json(cls, text: str) -> "SparseUpdatePlan":
        """Returns the plan that `to_json` wrote.

        Raises:
            ValueError: `text` isn't JSON, or not that of a plan.
            TypeError: The same.
        """
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"A plan must be JSON. Received: {text[:40]!r}... ({error}). Make it with tfdgsu.plan(...).to_json()."
            ) from error
        return cls.from_dict(fields)

    def summary(self) -> str:
        """Prints the plan as a table with its cost and largest buffers; returns the same text."""
        text = "\n".join([*self._layer_lines(), *self._reason_lines(), "", *self._cost_lines()])
        print(text)
        return text

    def _layer_lines(self) -> list[str]:
        width = max([len(layer.name) for layer in self.layers] + [len("layer")])
        lines = [f"{'layer':<{width}}  {'kind':<15}  {'channels':>12}  {'weights/step':>12}  {'of':>9}  bias"]
        for layer in self.layers:
            of = f"{layer.n_mutable:,}" if layer.has_pool else f"{layer.n_channels:,}"
            channels = f"{layer.n_selected:,}/{of}"
            lines.append(
                f"{layer.name:<{width}}  {layer.kind:<15}  {channels:>12}  {layer.n_updated_weights:>12,}  "
                f"{layer.n_mutable_weights if layer.has_pool else math.prod(layer.kernel_shape):>9,}  {'yes' if layer.update_bias else 'no'}"
            )
        lines.append(
            f"{len(self.layers)} update layers, {len(self.frozen)} frozen; "
            f"{100 * self.update_fraction:.2f}% of {self.n_conv_weights:,} convolution weights per step."
        )
        return lines

    def _reason_lines(self) -> list[str]:
        if not self.reasons:
            return []
        width = max(len(reason.name) for reason in self.reasons)
        lines = ["", f"{'why':<{width}}  {'gain':>9}  {'bytes':>9}"]
        for reason in self.reasons:
            gain = "-" if reason.gain is None else f"{reason.gain:.3g}"
            lines.append(f"{reason.name:<{width}}  {gain:>9}  {reason.n_bytes:>9,}  {reason.reason}")
        return lines

    def _cost_lines(self) -> list[str]:
        cost = self.cost
        rows = (
            ("kept activations", cost.kept_activation_bytes),
            ("ReLU masks", cost.relu_mask_bytes),
            ("mutable weights", cost.mutable_weight_bytes),
            ("interpreter (estimate)", cost.interpreter_bytes),
            ("forward peak", cost.forward_peak_bytes),
            ("backward peak", cost.backward_peak_bytes),
            ("weights, interpreter, higher peak", cost.total_bytes),
        )
        lines = [f"{name:<34} {n_bytes:>12,} bytes" for name, n_bytes in rows]
        if self.ram_bytes is not None:
            lines.append(f"{'budget':<34} {self.ram_bytes:>12,} bytes")
        if cost.items:  # A plan out of a bundle has none.
            lines.append(f"Largest buffers ({self.quantize or 'float32'}, batch {self.batch_size}):")
        lines += [f"  {item.name:<40} {item.kind:<18} {item.n_bytes:>12,}" for item in cost.items[:N_LARGEST]]
        return lines


def _build(item_class: type, fields: Any, what: str) -> Any:
    """Returns `item_class(**fields)`, with lists as the tuples that they were."""
    _check_type(fields, dict, what)
    known = {field.name: field for field in dataclasses.fields(item_class)}
    missing = [name for name, field in known.items() if name not in fields and field.default is dataclasses.MISSING]
    unknown = [name for name in fields if name not in known]
    if missing or unknown:
        raise ValueError(
            f"A plan's JSON holds the fields of {item_class.__name__} and no others. "
            f"Received: {what} without {missing}, with unknown {unknown}. Make it with tfdgsu.plan(...).to_json()."
        )
    values = dict(fields)
    if item_class is LayerUpdate:
        values["kernel_shape"] = tuple(_check_type(values["kernel_shape"], (list, tuple), f"{what}.kernel_shape"))
    if item_class is PlanCost:
        items = _check_type(values["items"], (list, tuple), f"{what}.items")
        values["items"] = tuple(_build(CostItem, item, f"{what}.items[{i}]") for i, item in enumerate(items))
    return item_class(**values)


def _check_type(value: Any, kinds: type | tuple[type, ...], what: str) -> Any:
    if not isinstance(value, kinds):
        wanted = "an object" if kinds is dict else "a list"
        raise TypeError(
            f"A plan's JSON must hold {wanted} for {what}. Received: {value!r}. Make it with tfdgsu.plan(...).to_json()."
        )
    return value
