# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""One run of a study: trains by a recipe, epoch by epoch, each stored, and says what came out and what it costs."""

import dataclasses
import io
import json
import os
import pathlib
import time
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from ..atomic_write import atomic_write
from ..dynamic_sparse_callback import DynamicSparseCallback
from ..frozen_front import split_frozen_front
from ..lars import LARS
from ..sparse_update_model import SparseUpdateModel
from ..sparse_update_plan import SparseUpdatePlan
from .features import FeatureCache, StudyImages, digest_of
from .recipe import Recipe
from .turns import TurnsLARS, TurnsPolicy

_EVALUATION_BATCH = 500


class StudyRun:
    """Trains `SparseUpdateModel` with `DynamicSparseCallback` from cached features.

    An interrupted run goes on after the last whole epoch, and ends with the weights that it would have had.

    Args:
        model: A built Functional or Sequential classifier, outputs [N, classes]; it keeps its own weights.
        recipe: How to train.
        images: To train with.
        judges: By name, such as "validation": images to evaluate with.
        folder: For features and states.

    Raises:
        ValueError: The recipe doesn't fit the model.
    """

    def __init__(
        self,
        model: keras.Model,
        recipe: Recipe,
        images: StudyImages,
        judges: dict[str, StudyImages],
        folder: str | os.PathLike,
    ):
        self.recipe = recipe
        self.plan = recipe.plan(model)
        dense = dataclasses.replace(recipe, update="dense", layers=(), turns=1)
        quantize_of = {"float32": None, "int8": "int8"}
        plans = {name: recipe.plans_of_turns(model, quantize) for name, quantize in quantize_of.items()}
        self._update_fraction = max(plan.update_fraction for plan in plans["float32"])
        self._memory = {
            name: _kept_memory(plans[name], dense.plan(model, quantize)) for name, quantize in quantize_of.items()
        }
        self._images, self._judges = images, judges
        self._folder = pathlib.Path(folder)
        front, rest = split_frozen_front(model, self.plan)
        self._cache = FeatureCache(front, self._folder / "features")
        keras.utils.set_random_seed(recipe.seed)
        self.sparse = SparseUpdateModel(rest, self.plan)
        self._n_steps = max(1, len(images) // recipe.batch_size)
        self._n_classes = rest.output_shape[-1]
        self.sparse.compile(self._optimizer(), loss="categorical_crossentropy", jit_compile=False)
        self.sparse.optimizer.build(self.sparse.trainable_variables)
        self._state_path = self._folder / "states" / f"{recipe.identity}_{self._task_digest(model)}.npz"
        self._history: list[dict] = []

    @property
    def n_features(self) -> int:
        """How many images `prepare` goes through, each view counted; 0 if nothing lies in front of what is trained."""
        return sum(n_views * len(images.images) for images, n_views in self._views()) if self._cache.has_front else 0

    def prepare(self, on_images: Callable[[int], None] = lambda n_images: None) -> None:
        """Computes the features, or finds them.

        Args:
            on_images: Called with a number of images, after so many are there.
        """
        for images, n_views in self._views():
            self._cache.prepare(images, n_views, on_images)

    def run(self, on_epoch: Callable[[dict], None] = lambda entry: None) -> dict:
        """Trains to the end and returns what a results file says.

        Args:
            on_epoch: Called after each epoch with its entry: epoch, seconds, images_per_second, accuracy by judge.
        """
        self.prepare()
        self._restore()
        callbacks = []
        if self.sparse.channels:
            policy, every, seed = self.recipe.policy, self.recipe.every, self.recipe.seed
            if self.recipe.turns > 1:
                policy = TurnsPolicy(policy, self.recipe.turns_of(self.plan))
            callbacks.append(DynamicSparseCallback(policy=policy, every=every, seed=seed))
        n_done = len(self._history)
        if n_done < self.recipe.epochs:
            # One call for all epochs: the end of a dataset that a generator feeds can take longer than an epoch.
            self.sparse.fit(
                self._batches(n_done),
                steps_per_epoch=self._n_steps,
                initial_epoch=n_done,
                epochs=self.recipe.epochs,
                callbacks=[*callbacks, _EpochEnd(lambda seconds: on_epoch(self._finish_epoch(seconds)))],
                verbose=0,
                shuffle=False,
            )
        return self._result()

    def _finish_epoch(self, seconds: float) -> dict:
        rate = self._n_steps * self.recipe.batch_size / seconds
        entry = {
            "epoch": len(self._history) + 1,
            "seconds": seconds,
            "images_per_second": rate,
            **self._evaluate(),
        }
        self._history.append(entry)
        self._store()
        return entry

    def _task_digest(self, model: keras.Model) -> str:
        """Differs where model, images or judges do."""
        sets = [self._images.digest, *(f"{name} {judge.digest}" for name, judge in sorted(self._judges.items()))]
        return digest_of(" ".join([str(self.plan.layers), *sets]).encode(), *model.get_weights())[:16]

    def _views(self) -> list[tuple[StudyImages, int]]:
        return [(self._images, self.recipe.n_views), *((judge, 1) for judge in self._judges.values())]

    def _optimizer(self) -> keras.Optimizer:
        recipe = self.recipe
        n_steps = self._n_steps * recipe.epochs
        warm_up = min(recipe.warm_up_steps, n_steps - 1)
        rate = keras.optimizers.schedules.CosineDecay(
            recipe.learning_rate if warm_up == 0 else 0.0,
            n_steps - warm_up,
            warmup_target=recipe.learning_rate if warm_up else None,
            warmup_steps=warm_up,
        )
        config = {"learning_rate": rate, "global_clipnorm": recipe.clip_norm or None}
        if recipe.optimizer == "lars":
            config["trust_coefficient"] = recipe.trust_coefficient
            if recipe.turns > 1:
                return TurnsLARS(recipe.turns_of(self.plan), self.sparse.slices, **config)
            return LARS(**config)
        if recipe.momentum:
            config["momentum"] = recipe.momentum
        return keras.optimizers.get({"class_name": recipe.optimizer, "config": config})

    def _batches(self, first_epoch: int) -> tf.data.Dataset:
        """Features and classes of what is left of the run."""

        def generate():
            for epoch in range(first_epoch, self.recipe.epochs):
                yield from self._epoch(epoch)

        shapes = self.sparse.model.input_shape, (None, self._n_classes)
        signature = tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
        return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(4)

    def _epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of one epoch; order and views depend on seed and epoch alone."""
        rng = np.random.default_rng([self.recipe.seed, epoch])
        order = rng.permutation(len(self._images))
        numbers = rng.integers(0, self.recipe.n_views, len(order))
        size, alpha = self.recipe.batch_size, self.recipe.mixup
        for first in range(0, self._n_steps * size, size):
            part = slice(first, first + size)
            x = self._cache.batch(self._images, order[part], numbers[part])
            y = keras.utils.to_categorical(self._images.classes(order[part]), self._n_classes)
            if alpha:
                share, other = rng.beta(alpha, alpha), rng.permutation(len(x))
                x, y = (share * values + (1 - share) * values[other] for values in (x, y))
            yield x, y

    def _evaluate(self) -> dict[str, float]:
        scores = {}
        for name, judge in self._judges.items():
            right = 0
            for first in range(0, len(judge), _EVALUATION_BATCH):
                positions = np.arange(first, min(first + _EVALUATION_BATCH, len(judge)))
                outputs = self.sparse.predict_on_batch(self._cache.batch(judge, positions, np.zeros_like(positions)))
                right += int(np.sum(np.argmax(outputs, -1) == judge.classes(positions)))
            scores[name] = right / len(judge)
        return scores

    def _variables(self) -> list[keras.Variable]:
        return [*self.sparse.variables, *self.sparse.optimizer.variables]

    def _store(self) -> None:
        self._state_path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        values = {f"v{i}": variable.numpy() for i, variable in enumerate(self._variables())}
        np.savez(buffer, history=json.dumps(self._history), **values)
        atomic_write(self._state_path, buffer.getvalue())

    def _restore(self) -> None:
        if not self._state_path.exists():
            return
        variables = self._variables()
        with np.load(self._state_path) as state:
            values = [state[f"v{i}"] for i in range(len(state.files) - 1)]
            history = json.loads(str(state["history"]))
        shapes = [(value.shape, value.dtype.name) for value in values]
        if shapes != [(tuple(variable.shape), variable.dtype) for variable in variables]:
            raise ValueError(
                "A run goes on from a state with the same variables. Received: one of another version of tfdgsu, "
                f"{self._state_path}. Delete it to begin anew, or take that version."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self._history = history

    def _result(self) -> dict:
        visited = {name: item.visited for name, item in self.sparse.update_variables.items()}
        return {
            "recipe": dataclasses.asdict(self.recipe),
            "n_images": len(self._images),
            "update_fraction": self._update_fraction,
            "visited_weights": sum(
                int(visited[layer.name].numpy().sum()) * layer.weights_per_channel
                if layer.is_sparse
                else layer.n_updated_weights
                for layer in self.plan.layers
            ),
            "memory": self._memory,
            "history": self._history,
        }


class _EpochEnd(keras.callbacks.Callback):
    """Calls a function with an epoch's seconds, after each."""

    def __init__(self, call: Callable[[float], None]):
        super().__init__()
        self._call = call

    def on_epoch_begin(self, epoch, logs=None):
        self._start_s = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self._call(time.perf_counter() - self._start_s)


def _kept_memory(plans: list[SparseUpdatePlan], dense: SparseUpdatePlan) -> dict:
    """Bytes that backward needs of forward, masks counted, for batches of one; and as a share of dense training."""
    *kept, all_kept = (item.cost.kept_activation_bytes + item.cost.relu_mask_bytes for item in (*plans, dense))
    kept = max(kept)
    return {"kept_bytes": kept, "share_of_dense": kept / all_kept}
