# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that decides what one run of a study does."""

import dataclasses
import fnmatch
import hashlib
import json
import math

import keras

from .. import policies
from ..allocation import allocate
from ..expected_gain import prior_gain
from ..planning import plan
from ..prepare import prepare
from ..sparse_update_plan import SparseUpdatePlan
from .turns import Turns

UPDATES = ("head", "bias", "sparse", "dense")
SPREADS = ("equal", "gain", "later", "earlier")
_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one run trains. Two runs with equal recipes, models and images end with equal weights.

    Attributes:
        name: In tables; runs of one name differ in their seed.
        update: What moves besides the head: "head" nothing, "bias" the biases of `layers`, "sparse" their biases and some
            of their input channels, "dense" all their weights.
        layers: Patterns of layer names, as the shell has them; default: all convolutions, and for "sparse" those that
            `tfdgsu.plan` chooses.
        bias_layers: Of "sparse": patterns of further layers, whose biases alone move.
        update_fraction: Of "sparse": share of the model's convolution weights in a step.
        spread: Of "sparse", over `layers`: "equal", the same share of every layer's channels; "gain", by the gain to be
            expected of each, as `tfdgsu.plan` does without inverted bottlenecks; "later", shares that grow with a layer's
            number, the n-th of all getting n times that of the first; "earlier", shares that fall like this.
        turns: Of "sparse": into how many groups `layers` fall, which take turns at the draws, each with all of the fraction;
            needs "lars" and a policy without scores. Only to compare: a bundle updates all of its layers in every step.
        policy: Of "sparse": which channels; see `tfdgsu.policies`.
        every: Of "sparse": steps between two draws.
        optimizer: Name of a Keras optimizer, or "lars" (`tfdgsu.LARS`).
        learning_rate: The highest: reached after `warm_up_steps`, then down to 0 along half a cosine.
        momentum: Of SGD.
        trust_coefficient: Of "lars".
        clip_norm: Global norm that gradients are cut to; 0: they are not.
        epochs: Length of training.
        batch_size: Images per step.
        warm_up_steps: Steps until the learning rate is at its highest.
        n_views: How many variants of an image training sees, at random (`StudyImages.view`).
        mixup: Alpha of the mixtures of two images' features and classes that training sees (Zhang et al., arXiv 1710.09412;
            of features: Verma et al., arXiv 1806.05236); 0: none.
        seed: Of order, views, channels and new weights.
    """

    name: str
    update: str = "sparse"
    layers: tuple[str, ...] = ()
    bias_layers: tuple[str, ...] = ()
    update_fraction: float = 0.02
    spread: str = "equal"
    turns: int = 1
    policy: str = "random"
    every: int = 100
    optimizer: str = "sgd"
    learning_rate: float = 0.3
    momentum: float = 0.0
    trust_coefficient: float = 0.02
    clip_norm: float = 1.0
    epochs: int = 10
    batch_size: int = 64
    warm_up_steps: int = 300
    n_views: int = 2
    mixup: float = 0.0
    seed: int = 0

    def __post_init__(self):
        for field in ("layers", "bias_layers"):  # Lists, out of a file or a flag, would not be hashable.
            object.__setattr__(self, field, tuple(getattr(self, field)))
        for field, known in (("update", UPDATES), ("spread", SPREADS)):
            if getattr(self, field) not in known:
                raise ValueError(
                    f"{field} must be one of {', '.join(known)}. Received: {getattr(self, field)!r}. Choose one of these."
                )
        for field in ("epochs", "batch_size", "n_views", "every", "turns"):
            if getattr(self, field) < 1:
                raise ValueError(
                    f"{field} must be at least 1. Received: {getattr(self, field)}. Give a positive number."
                )
        if self.turns > 1 and not self._can_take_turns():
            raise ValueError(
                "What takes turns is sparse, has layers named, is trained by LARS and drawn without scores. Received: "
                f"turns={self.turns}, update={self.update!r}, layers={self.layers}, optimizer={self.optimizer!r}, "
                f"policy={self.policy!r}. Name the layers, and choose 'sparse', 'lars' and 'random'."
            )

    def _can_take_turns(self) -> bool:
        is_drawn_without_scores = not policies.get(self.policy).statistics
        return self.update == "sparse" and bool(self.layers) and self.optimizer == "lars" and is_drawn_without_scores

    @property
    def identity(self) -> str:
        """16 hexadecimal digits that differ wherever a field does, the name left aside."""
        fields = dataclasses.asdict(self)
        del fields["name"]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]

    def plan(self, model: keras.Model, quantize: str | None = None) -> SparseUpdatePlan:
        """Returns what steps update, those of all turns together.

        Args:
            model: A built Functional or Sequential model whose last layer with weights is dense, its head.
            quantize: Whose bytes to count; see `tfdgsu.plan`.

        Raises:
            ValueError: No convolution has such a name, or what `tfdgsu.plan` refuses.
        """
        if self.update == "sparse" and not self.layers:
            return plan(model, update_fraction=self.update_fraction, quantize=quantize)
        return plan(model, layers=self._channels(prepare(model)), quantize=quantize)

    def plans_of_turns(self, model: keras.Model, quantize: str | None = None) -> list[SparseUpdatePlan]:
        """Returns what a step of each turn updates: `plan` with the kernels of waiting layers frozen.

        Raises:
            ValueError: As `plan`.
        """
        whole = self.plan(model, quantize)
        if self.turns == 1:
            return [whole]
        turns = self.turns_of(whole)
        return [
            plan(
                model,
                layers={
                    layer.name: layer.n_selected if not layer.is_sparse or turns.group_of(layer.name) == group else 0
                    for layer in whole.layers
                },
                quantize=quantize,
            )
            for group in range(self.turns)
        ]

    def turns_of(self, whole: SparseUpdatePlan) -> Turns:
        """Returns which layers of `plan` are updated when."""
        return Turns(tuple(layer.name for layer in whole.layers if layer.is_sparse), self.turns, self.every)

    def _channels(self, prepared: keras.Model) -> dict[str, int]:
        weighted = [layer for layer in prepared.layers if layer.weights]
        head = {weighted[-1].name: weighted[-1].kernel.shape[-2]}
        if self.update == "head":
            return head
        convolutions = [layer for layer in weighted if isinstance(layer, _CONVOLUTIONS)]
        chosen = _matching("layers", self.layers or ("*",), convolutions)
        biases = _matching("bias_layers", self.bias_layers, convolutions) if self.bias_layers else []
        shapes = [tuple(layer.kernel.shape) for layer in chosen]
        counts = {"bias": [0] * len(chosen), "dense": [shape[-2] for shape in shapes]}
        if self.update == "sparse":
            n_weights = sum(math.prod(layer.kernel.shape) for layer in convolutions)
            counts["sparse"] = self._allocate(shapes, self._gains(prepared, chosen), self.update_fraction * n_weights)
        channels = {layer.name: 0 for layer in biases}
        channels |= zip((layer.name for layer in chosen), counts[self.update], strict=True)
        return channels | head

    def _allocate(self, shapes: list[tuple[int, ...]], gains: list[float], n_weights: float) -> list[int]:
        counts = [0] * len(shapes)
        for turn in range(self.turns):
            group = slice(turn, None, self.turns)
            counts[group] = allocate(shapes[group], gains[group], n_weights)
        if self.turns > 1 and any(n == 0 or n == shape[-2] for n, shape in zip(counts, shapes, strict=True)):
            raise ValueError(
                "A layer's turn must update some of its channels, not all and not none. Received: "
                f"turns={self.turns}, update_fraction={self.update_fraction}, with {counts} of "
                f"{[shape[-2] for shape in shapes]} channels. Change one of the two, or layers."
            )
        return counts

    def _gains(self, prepared: keras.Model, chosen: list[keras.layers.Layer]) -> list[float]:
        names = [layer.name for layer in chosen]
        if self.spread == "gain":
            by_name = prior_gain(prepared, names)
            return [by_name[name] for name in names]
        ratios = {"equal": [1] * len(names), "later": range(1, len(names) + 1), "earlier": range(len(names), 0, -1)}
        # Where shares are those that `allocate` ends with, a root each, see `channel_gain`.
        return [
            math.prod(layer.kernel.shape) * math.sqrt(ratio)
            for layer, ratio in zip(chosen, ratios[self.spread], strict=True)
        ]


def _matching(field: str, patterns: tuple[str, ...], layers: list[keras.layers.Layer]) -> list[keras.layers.Layer]:
    names = [layer.name for layer in layers]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise ValueError(
                f"Each pattern of {field} must match convolutions of the model. Received: {pattern!r}, "
                f"of {names}. Give patterns of these names."
            )
    return [layer for layer in layers if any(fnmatch.fnmatch(layer.name, pattern) for pattern in patterns)]
