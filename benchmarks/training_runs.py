# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The same training, image by image, in Keras and in the real TFLM interpreter; runs on the device can be resumed."""

import dataclasses
import hashlib
import json
import math
import pathlib
import sys
import time
from collections.abc import Iterator

import cifar10_images
import keras
import numpy as np
import tensorflow as tf

import tfdgsu
from tfdgsu.atomic_write import atomic_write

_CHUNK = 100  # Images resized, and evaluated, at a time.
_N_LAST_LOSSES = 500


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What every run has in common.

    Attributes:
        n_steps: Training steps, one image each.
        learning_rate: The highest; it falls to 0 along half a cosine.
        n_warm_up: Steps in which it rises linearly.
        optimizer: "sgd" or "lars" (`tfdgsu.LARS`).
        momentum: Of SGD.
        trust_coefficient: Of LARS.
        every: Steps between two draws of channels.
        seed: Of the channels and of the rounding.
        image_size: Height and width that images are resized to.
    """

    n_steps: int = 5_000
    learning_rate: float = 0.003
    n_warm_up: int = 0
    optimizer: str = "sgd"
    momentum: float = 0.0
    trust_coefficient: float = 0.02
    every: int = 100
    seed: int = 0
    image_size: int = 128

    def learning_rates(self) -> np.ndarray:
        """float32 [n_steps]."""
        steps = np.arange(self.n_steps)
        rates = 0.5 * self.learning_rate * (1 + np.cos(np.pi * steps / self.n_steps))
        return (rates * np.minimum(1, (steps + 1) / max(1, self.n_warm_up))).astype(np.float32)

    def callback(self) -> tfdgsu.DynamicSparseCallback:
        return tfdgsu.DynamicSparseCallback(policy="random", every=self.every, seed=self.seed)


@dataclasses.dataclass(frozen=True)
class Task:
    """Images to train on, one a step, in this order, and images to judge by."""

    train: cifar10_images.Images
    test: cifar10_images.Images


def standard_error(accuracy: float, n_images: int) -> float:
    """Of an accuracy that n images tell: that of a share."""
    return math.sqrt(accuracy * (1 - accuracy) / n_images)


@dataclasses.dataclass(frozen=True)
class Score:
    """Which test images were classified rightly, bool [N]."""

    right: np.ndarray

    def to_dict(self) -> dict:
        accuracy = float(self.right.mean())
        return {
            "accuracy": accuracy,
            "standard_error": standard_error(accuracy, len(self.right)),
            "right": np.packbits(self.right).tobytes().hex(),
        }

    @classmethod
    def from_dict(cls, fields: dict, n_test: int) -> "Score":
        packed = np.frombuffer(bytes.fromhex(fields["right"]), np.uint8)
        return cls(np.unpackbits(packed, count=n_test).astype(bool))

    def lead_over(self, other: "Score") -> tuple[float, float]:
        """Difference of accuracies, and its standard error: both saw the same images, so per image."""
        difference = self.right.astype(np.float64) - other.right
        return float(difference.mean()), float(difference.std() / math.sqrt(len(difference)))


class _Table(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rates by step."""

    def __init__(self, rates: np.ndarray):
        self._rates = tf.constant(rates)

    def __call__(self, step):
        return tf.gather(self._rates, tf.minimum(tf.cast(step, tf.int32), len(self._rates) - 1))


def stream(images: cifar10_images.Images, size: int, start: int = 0) -> Iterator[tuple[np.ndarray, int]]:
    """Resized images [size, size, 3] with their classes, from number `start` on."""
    for first in range(start, len(images), _CHUNK):
        chunk = images.take(slice(first, first + _CHUNK))
        yield from zip(cifar10_images.resized(chunk.images, size), chunk.labels, strict=True)


def compiled(model: keras.Model, plan: tfdgsu.SparseUpdatePlan, recipe: Recipe) -> tfdgsu.SparseUpdateModel:
    """What both sides train."""
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    rates = _Table(recipe.learning_rates())
    if recipe.optimizer == "lars":
        optimizer = tfdgsu.LARS(rates, trust_coefficient=recipe.trust_coefficient)
    else:
        optimizer = keras.optimizers.SGD(rates, momentum=recipe.momentum)
    # The loss is taken of the logits on both sides, if the model ends with a softmax.
    sparse.compile(optimizer, loss="sparse_categorical_crossentropy", jit_compile=False)
    return sparse


def score_keras(sparse: tfdgsu.SparseUpdateModel, task: Task, recipe: Recipe) -> Score:
    right = []
    for first in range(0, len(task.test), _CHUNK):
        chunk = task.test.take(slice(first, first + _CHUNK))
        outputs = sparse.predict_on_batch(cifar10_images.resized(chunk.images, recipe.image_size))
        right.append(np.argmax(outputs, axis=-1) == chunk.labels)
    return Score(np.concatenate(right))


def run_in_keras(sparse: tfdgsu.SparseUpdateModel, task: Task, recipe: Recipe) -> dict:
    """Trains with float32 numbers, batch size 1; returns what the results file says about it."""
    size = recipe.image_size
    signature = (tf.TensorSpec((None, size, size, 3), tf.float32), tf.TensorSpec((None,), tf.int32))
    dataset = tf.data.Dataset.from_generator(
        lambda: ((x[np.newaxis], np.array([y], np.int32)) for x, y in stream(task.train, size)),
        output_signature=signature,
    )
    before = score_keras(sparse, task, recipe)
    start_s = time.perf_counter()
    callbacks = [recipe.callback()] if sparse.channels else []
    sparse.fit(
        dataset.prefetch(2), epochs=1, steps_per_epoch=recipe.n_steps, callbacks=callbacks, verbose=0, shuffle=False
    )
    seconds = time.perf_counter() - start_s
    return {
        "before": before.to_dict(),
        "after": score_keras(sparse, task, recipe).to_dict(),
        "steps_per_second": recipe.n_steps / seconds,
    }


class DeviceRun:
    """One training in the interpreter, stored every so many steps; the next one of that name goes on from there.

    Args:
        bundle_path: What to train.
        folder: Where the states of runs are.
        name: Of this run.
        every: Steps between two states.
    """

    def __init__(self, bundle_path: pathlib.Path, folder: pathlib.Path, name: str, every: int = 250):
        self.device = tfdgsu.micro_runtime.Session(bundle_path)
        self._weights_path = folder / f"{name}.tfdw"
        self._state_path = folder / f"{name}.json"
        self._name = name
        self._every = every
        # A state belongs to one bundle.
        bundle = hashlib.sha256(pathlib.Path(bundle_path).read_bytes()).hexdigest()
        self._state = {"bundle": bundle, "losses": [], "seconds": 0.0, "right": []}
        if self._state_path.exists():
            state = json.loads(self._state_path.read_text())
            if state["bundle"] == bundle:
                self.device.restore(self._weights_path)
                self._state = state

    def run(self, task: Task, recipe: Recipe) -> dict:
        """Trains and evaluates; returns what the results file says about it."""
        self._train(task, recipe)
        right = self._evaluate(task, recipe)
        report = self.device.arena_report()
        return {
            "after": Score(right).to_dict(),
            "steps_per_second": len(self._state["losses"]) / max(self._state["seconds"], 1e-9),
            "last_losses_mean": float(np.mean(self._state["losses"][-_N_LAST_LOSSES:] or [0.0])),
            "arena_bytes": report.total_bytes,
            "arena_predicted_bytes": report.predicted_bytes,
            "arena_cortex_m_predicted_bytes": report.predicted_cortex_m_bytes,
            "variable_bytes": sum(value.nbytes for value in self.device.variables().values()),
            "variables_sha256": hash_variables(self.device),
        }

    def _train(self, task: Task, recipe: Recipe) -> None:
        rates = recipe.learning_rates()
        losses = self._state["losses"]
        start_s = time.perf_counter()
        for x, y in stream(task.train, recipe.image_size, len(losses)):
            if len(losses) == recipe.n_steps:
                break
            losses.append(self.device.train(x, int(y), learning_rate=float(rates[len(losses)])))
            if len(losses) % self._every == 0 or len(losses) == recipe.n_steps:
                self._state["seconds"] += time.perf_counter() - start_s
                start_s = time.perf_counter()
                self._store(f"step {len(losses)}, loss {np.mean(losses[-self._every :]):.3f}")

    def _evaluate(self, task: Task, recipe: Recipe) -> np.ndarray:
        right = self._state["right"]
        for x, y in stream(task.test, recipe.image_size, len(right)):
            right.append(int(np.argmax(self.device.infer(x)) == y))
            if len(right) % self._every == 0:
                self._store(f"test image {len(right)}, accuracy {np.mean(right):.3f}")
        return np.array(right, bool)

    def _store(self, progress: str) -> None:
        print(f"{self._name}: {progress}", file=sys.stderr, flush=True)
        self.device.save(self._weights_path)
        atomic_write(self._state_path, json.dumps(self._state).encode())


def hash_variables(device: tfdgsu.micro_runtime.Session) -> str:
    """SHA-256 over names and values of everything a device keeps."""
    digest = hashlib.sha256()
    for name, value in sorted(device.variables().items()):
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def hash_after(bundle_path: pathlib.Path, task: Task, recipe: Recipe, n_steps: int) -> str:
    """`hash_variables` after the first `n_steps` steps."""
    device = tfdgsu.micro_runtime.Session(bundle_path)
    rates = recipe.learning_rates()[:n_steps]
    for (x, y), rate in zip(stream(task.train.take(slice(n_steps)), recipe.image_size), rates, strict=True):
        device.train(x, int(y), learning_rate=float(rate))
    return hash_variables(device)
