# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Trains an ImageNet MobileNetV2 on CIFAR-10 by different recipes, and says what each costs and reaches.

A row of the table is a recipe by name; flags change it:

    python benchmarks/cifar10.py --data_dir=DATA --row=dynamic_2 --seed=1
    python benchmarks/cifar10.py --data_dir=DATA --row=dynamic_2 --every=300 --epochs=4 --evaluate_on=validation
    python benchmarks/cifar10.py --rows                  # lists them
    python benchmarks/cifar10.py --write                 # docs/accuracy.md and its plots, from the stored runs

DATA holds checkpoint and images. What it lacks, Keras downloads: CIFAR-10, and a MobileNetV2 of the same shape that was
trained by others and reaches other accuracies, so its runs are added to a file of their own.

Training starts from the outputs of the layers in front of the first update layer, which are computed once and kept in
--state_dir, 6 KiB for each image and view, so about 5 GB; so is the state of a run after each epoch, and one that was
interrupted goes on from there. Settings are chosen on images that are held out of the training set
(--evaluate_on=validation); the test images are for the final runs, which train on all others.
"""

import dataclasses
import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import accuracy_page
import cifar10_images
import cifar10_model
import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from cifar10_recipes import ROWS
from cifar10_views import study_images

import tfdgsu
from tfdgsu.cli.progress import progress_bar
from tfdgsu.study import StudyImages, StudyRun, add_record

RESULTS = pathlib.Path(__file__).parent / "results" / "cifar10.jsonl"
RESULTS_OF_DOWNLOADED = RESULTS.with_name("cifar10_downloaded.jsonl")

_ROW = flags.DEFINE_string("row", None, "Name of the recipe.")
_ROWS = flags.DEFINE_bool("rows", False, "List the recipes and end.")
_WRITE = flags.DEFINE_bool("write", False, "Write the page and its plots from the stored runs, and end.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Checkpoint and images. Default: TFDGSU_DATA_DIR, or downloads.")
_STATE_DIR = flags.DEFINE_string(
    "state_dir", None, "Where features and unfinished runs are. Default: a temporary folder."
)
_OUTPUT = flags.DEFINE_string("output", None, "Where the run is added, as a line of JSON. Default: in results/.")
_EVALUATE_ON = flags.DEFINE_enum("evaluate_on", "test", ["test", "validation"], "Choose settings on the latter only.")
_N_IMAGES = flags.DEFINE_integer("n_images", None, "Train on, and judge by, so many images only.", lower_bound=1)
_N_THREADS = flags.DEFINE_integer("n_threads", 0, "Threads of TensorFlow; 0: as many as cores.", lower_bound=0)

_CHANGES = {}
for _field in dataclasses.fields(tfdgsu.study.Recipe):
    _define = {int: flags.DEFINE_integer, float: flags.DEFINE_float, str: flags.DEFINE_string}.get(
        _field.type, flags.DEFINE_list
    )
    _CHANGES[_field.name] = _define(_field.name, None, f"Instead of the recipe's {_field.name}.")


def read_images(evaluate_on: str) -> tuple[StudyImages, dict[str, StudyImages]]:
    """Images to train with, and those to judge by."""
    train, test = cifar10_images.load(_DATA_DIR.value)
    training, validation = cifar10_images.split_rows(len(train), cifar10_images.N_VALIDATION)
    if evaluate_on == "test":
        training = np.arange(len(train))
    if _N_IMAGES.value:
        # In arrays of their own, since features are computed of whole arrays.
        training, validation = _some(training), _some(validation)
        train, test = train.take(np.concatenate([training, validation])), test.take(_some(np.arange(len(test))))
        training, validation = np.arange(len(training)), np.arange(len(training), len(train))
    everything = study_images(train)
    if evaluate_on == "validation":
        return everything.take(training), {"validation": everything.take(validation)}
    return everything.take(training), {"test": study_images(test)}


def _some(rows: np.ndarray) -> np.ndarray:
    # The classes follow one another in some copies.
    return rows[cifar10_images.shuffled(len(rows), seed=0)[: _N_IMAGES.value]]


def chosen_recipe() -> tfdgsu.study.Recipe:
    changes = {name: flag.value for name, flag in _CHANGES.items() if flag.value is not None}
    return dataclasses.replace(ROWS[_ROW.value], **changes)


def train(recipe: tfdgsu.study.Recipe, model: keras.Model, folder: pathlib.Path) -> dict:
    """One run, with what it shows on the way; returns its record."""
    images, judges = read_images(_EVALUATE_ON.value)
    run = StudyRun(model, recipe, images, judges, folder)
    with progress_bar("Features of the frozen layers", run.n_features) as advance:
        run.prepare(advance)
    with progress_bar(f"Epochs of {recipe.name}", recipe.epochs) as advance:

        def show(entry: dict) -> None:
            scores = ", ".join(f"{name} {100 * entry[name]:.2f}%" for name in judges)
            print(
                f"{recipe.name}: epoch {entry['epoch']}, {scores}, {entry['images_per_second']:.0f} images/s",
                flush=True,
            )
            advance()

        return run.run(show)


def main(argv):
    del argv
    if _ROWS.value:
        for name, recipe in ROWS.items():
            print(f"{name:<24} {recipe}")
        return
    if _WRITE.value:
        accuracy_page.write(pathlib.Path(_OUTPUT.value or RESULTS))
        return
    if _ROW.value not in ROWS:
        raise app.UsageError(f"--row must be one of {', '.join(ROWS)}. Received: {_ROW.value}. See --rows.")
    tf.config.threading.set_intra_op_parallelism_threads(_N_THREADS.value)
    tf.config.threading.set_inter_op_parallelism_threads(_N_THREADS.value)
    folder = cifar10_images.data_folder(_DATA_DIR.value)
    model = cifar10_model.load(folder)
    with tempfile.TemporaryDirectory() as temporary:
        record = train(chosen_recipe(), model, pathlib.Path(_STATE_DIR.value or temporary))
    add_record(_OUTPUT.value or (RESULTS if cifar10_model.has_checkpoint(folder) else RESULTS_OF_DOWNLOADED), record)
    print(tfdgsu.study.format_table(tfdgsu.study.rows_of([record], _EVALUATE_ON.value)))


if __name__ == "__main__":
    app.run(main)
