# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles to measure, each with an example to train on: the quickstart's two, and the MobileNetV2 where its data is."""

import os
import pathlib
from typing import NamedTuple

import cifar10_images
import keras
import numpy as np
from cifar10_model import CHECKPOINT, has_checkpoint
from tfdgsu.export import export_training_bundle

import tfdgsu
from tfdgsu.cli.quickstart import digits, experiment, fine_tuning, network

_IMAGE_SIZE = 128
_RAM, _UPDATE_FRACTION, _LEARNING_RATE, _REDRAW_EVERY = "256KB", 0.02, 0.01, 100


class Example(NamedTuple):
    """A bundle's file, and one example: `x` float32 with its batch axis, `y` int32 [1]."""

    name: str
    path: pathlib.Path
    x: np.ndarray
    y: np.ndarray
    learning_rate: float


def make_digits(folder: pathlib.Path) -> list[Example]:
    """The quickstart's bundles as `tfdgsu quickstart` makes them."""
    data, model = digits.load(), network.build()
    network.pretrain(model, data.pretrain, advance=lambda: None)
    momentum = fine_tuning.MOMENTUM > 0
    plan = tfdgsu.plan(model, ram=experiment.RAM, update_fraction=experiment.UPDATE_FRACTION, momentum=momentum)
    sparse, redraw = fine_tuning.prepare(model, plan)
    int8 = {"quantize": "int8", "representative_data": data.fine_tune.x}
    examples = []
    for name, quantization in {"digits_int8": int8, "digits_float32": {}}.items():
        path = folder / f"{name}.tflite"
        export_training_bundle(sparse, path, callback=redraw, **quantization)
        examples.append(Example(name, path, data.fine_tune.x[:1], data.fine_tune.y[:1], fine_tuning.LEARNING_RATE))
    return examples


def make_mobilenet(folder: pathlib.Path, checkpoint: pathlib.Path) -> Example:
    """MobileNetV2 (width 0.35, 128x128, int8) with a new last layer, 2% of its convolutions' weights; its image is noise."""
    model, scales = tfdgsu.load_int8_checkpoint(checkpoint, n_classes=cifar10_images.N_CLASSES)
    plan = tfdgsu.plan(model, quantize="int8", update_fraction=_UPDATE_FRACTION, ram=_RAM)
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(_LEARNING_RATE), loss="sparse_categorical_crossentropy")
    redraw = tfdgsu.DynamicSparseCallback(policy="random", every=_REDRAW_EVERY)
    path = folder / "mobilenet_int8.tflite"
    export_training_bundle(sparse, path, quantize="int8", scales=scales, callback=redraw, ram=_RAM)
    images = cifar10_images.synthetic(1)
    return Example(
        "mobilenet_int8", path, cifar10_images.resized(images.images, _IMAGE_SIZE), images.labels, _LEARNING_RATE
    )


def make_all(folder: pathlib.Path, data_dir: str | os.PathLike | None = None) -> list[Example]:
    """The digits bundles, and the MobileNetV2's if its checkpoint is found."""
    data_folder = cifar10_images.data_folder(data_dir)
    examples = make_digits(folder)
    if has_checkpoint(data_folder):
        examples.append(make_mobilenet(folder, data_folder / CHECKPOINT))
    return examples
