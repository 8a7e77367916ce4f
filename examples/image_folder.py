# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Fine-tunes ImageNet's MobileNetV2 on a folder of pictures within a RAM budget, and makes the int8 bundle of it.

    python examples/image_folder.py PICTURES --ram=256KB --out=pictures.tflite

PICTURES holds a folder of JPEG, PNG, GIF or BMP files for each class; a fifth is kept to judge by. --weights=none begins
with random weights and downloads nothing: that shows steps and memory, not what accuracy to expect.
"""

import argparse
import pathlib

import tfdgsu  # isort: skip, in front of TensorFlow, which is quiet then
import keras
import numpy as np


def read_pictures(folder: pathlib.Path, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(x, y) to train and (x, y) to judge by: float32 [N, size, size, 3] in [-1, 1], classes [N]."""
    if not folder.is_dir() or sum(path.is_dir() for path in folder.iterdir()) < 2:
        raise SystemExit(f"PICTURES must hold a folder for each class, two or more. Received: {folder}.")
    settings = {"image_size": (size, size), "validation_split": 0.2, "subset": "both", "seed": 0, "verbose": False}
    try:
        parts = keras.utils.image_dataset_from_directory(folder, **settings)
    except ValueError as error:
        raise SystemExit(f"PICTURES must hold JPEG, PNG, GIF or BMP files. Received: {folder}: {error}") from None
    arrays = (map(np.concatenate, zip(*part.as_numpy_iterator(), strict=True)) for part in parts)
    return [(x / np.float32(127.5) - 1, y) for x, y in arrays]


def build(x: np.ndarray, n_classes: int, weights: str) -> keras.Model:
    """MobileNetV2 of width 0.35 for images like x, with a new last layer."""
    size, weights_or_none = x.shape[1:], None if weights == "none" else weights
    try:
        features = keras.applications.MobileNetV2(size, 0.35, include_top=False, weights=weights_or_none, pooling="avg")
    except Exception as error:  # noqa: BLE001 (Keras raises nothing narrower for a failed download)
        raise SystemExit(f"The weights must be downloaded. Received: {error}. Remedy: try --weights=none.") from None
    for layer in features.layers:  # Of the random weights that Keras begins with, outputs of so many layers vanish.
        if weights == "none" and hasattr(layer, "kernel"):
            n_inputs = np.prod(layer.kernel.shape[: 2 if "depthwise" in layer.name else 3])
            layer.kernel.assign(keras.random.normal(layer.kernel.shape, stddev=(1.5 / n_inputs) ** 0.5))
    return keras.Sequential([features, keras.layers.Dense(n_classes, "softmax", name="head")])


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=pathlib.Path, help="a folder for each class")
    parser.add_argument("--weights", choices=("imagenet", "none"), default="imagenet")
    parser.add_argument("--ram", default="256KB", help="of the device, for TensorFlow Lite Micro")
    parser.add_argument("--size", type=int, default=128, help="of images, in pixels: 96, 128, 160, 192 or 224")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", default="pictures.tflite", help="the bundle that is written")
    chosen = parser.parse_args(arguments)
    train, judge = read_pictures(chosen.pictures, chosen.size)
    keras.utils.set_random_seed(0)
    model = build(train[0], int(train[1].max()) + 1, chosen.weights)

    plan = tfdgsu.plan(model, ram=chosen.ram, update_fraction=0.02, quantize="int8")
    plan.summary()
    sparse, redraw = tfdgsu.SparseUpdateModel(model, plan), tfdgsu.DynamicSparseCallback("random", every=100)
    sparse.compile(keras.optimizers.SGD(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    results = {"before": sparse.evaluate(*judge, verbose=0)[1]}
    sparse.fit(*train, batch_size=16, epochs=chosen.epochs, verbose=2, callbacks=[redraw])
    results["after"] = sparse.evaluate(*judge, verbose=0)[1]

    tfdgsu.export.export_training_bundle(sparse, chosen.out, representative_data=train[0][:200])
    device = tfdgsu.micro_runtime.Session(chosen.out)
    results["after, int8 in TFLM"] = device.evaluate(*judge).accuracy
    print(f"Accuracy on {len(judge[1])} pictures:", *(f"{value:.1%} {name};" for name, value in results.items()))
    print(f"{chosen.out} trains in {device.arena_report().total_bytes:,} bytes of RAM")
    return results


if __name__ == "__main__":
    main()
