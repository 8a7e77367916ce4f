# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The ImageNet MobileNetV2 of the benchmarks: out of a folder, or, for the study, one that Keras downloads."""

import pathlib
import re

import cifar10_images
import keras
from cifar10_views import IMAGE_SIZE

import tfdgsu

CHECKPOINT = "mobilenet_v2_w035_imagenet_int8"


def has_checkpoint(folder: pathlib.Path | None) -> bool:
    return folder is not None and all((folder / f"{CHECKPOINT}{ending}").exists() for ending in (".json", ".npz"))


def load(folder: pathlib.Path | None, weights: str | None = "imagenet") -> keras.Model:
    """A classifier of CIFAR-10 with a new head, images [N, 128, 128, 3] in [-1, 1].

    Args:
        folder: With the checkpoint that the stored runs began with; without one it is `keras.applications.MobileNetV2` of
            the same width, cut where the checkpoint ends and with its names of blocks: another training, so other accuracies.
        weights: Of the latter.
    """
    if has_checkpoint(folder):
        return tfdgsu.load_int8_checkpoint(folder / CHECKPOINT, n_classes=cifar10_images.N_CLASSES)[0]
    whole = keras.applications.MobileNetV2((IMAGE_SIZE, IMAGE_SIZE, 3), 0.35, include_top=False, weights=weights)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(whole.get_layer("block_16_project_BN").output)
    outputs = keras.layers.Dense(cifar10_images.N_CLASSES, activation="softmax", name="head")(x)
    model = keras.Model(whole.input, outputs)
    renamed = keras.models.clone_model(model, clone_function=_renamed)
    renamed.set_weights(model.get_weights())
    return renamed


def _renamed(layer: keras.Layer) -> keras.Layer:
    """A layer with its name as the recipes know it: "b7_dw" is Keras' "block_7_depthwise"."""
    name = re.sub(r"^block_(\d+)_", r"b\1_", layer.name).replace("_depthwise", "_dw")
    return type(layer).from_config({**layer.get_config(), "name": name})
