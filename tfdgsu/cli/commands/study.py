# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu study`: what recipes of training reach on a model and images of the user's."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from absl import flags

from ..command import Command, UsageError
from ..labelled_data import read_labelled_data
from ..load_model import load_model
from ..progress import progress_bar

if TYPE_CHECKING:
    import keras

    from ...study import Recipe, StudyImages

# A device has no clipping; the rate of LARS follows the gradient, and needs none.
_SGD = {"optimizer": "sgd", "clip_norm": 1.0}
_LARS = {"optimizer": "lars", "clip_norm": 0.0}
_RECIPES = {
    "head": {"update": "head", **_SGD},
    "bias": {"update": "bias", **_SGD},
    "static": {"update": "sparse", "policy": "static", **_LARS},
    "static_l1": {"update": "sparse", "policy": "static_l1", **_LARS},
    "dynamic": {"update": "sparse", "policy": "random", **_LARS},
    "dense": {"update": "dense", **_SGD},
}
_SPLIT_SEED = 10
_MOST_WARM_UP_STEPS = 300


class StudyCommand(Command):
    name = "study"
    summary = "Compare ways to train a model on your data: accuracy, weights updated, memory."
    description = """
        Trains a Keras classifier further on your data by several recipes, each with several seeds, and prints a table:
        accuracy on held-out data with its spread, the share of weights updated in a step, weights visited in all, and what
        backward keeps of forward, as a share of dense training. Give it a trained model: batch normalization keeps the
        statistics that it has, so one with new weights may learn nothing.

        --data is a folder with one folder of images for each class, or an .npz file with x and y (and x_test and y_test).
        The recipes: head (the last layer alone), bias (and the biases of the update layers), static (some of their input
        channels, too, at random, always the same), static_l1 (those with the largest weights), dynamic (re-drawn), dense
        (all weights of the update layers). Some channels are trained with tfdgsu.LARS and without clipping, as a device can;
        everything else with SGD and gradients of norm 1 at most. The update layers are those that 'tfdgsu plan' chooses, or
        --layers.

        Each run is added to --out as a line of JSON. With --state_dir an interrupted run goes on where it stopped, and what
        the frozen layers make of the data is computed once.
    """
    examples = (
        "tfdgsu study --model model.keras --data flowers/ --value_range=-1,1",
        "tfdgsu study --model model.keras --data data.npz --recipes head,dynamic --seeds 0,1,2 --epochs 20",
    )

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string("model", None, "A .keras file.", flag_values=values)
        flags.DEFINE_string("data", None, "A folder of folders of images, or an .npz file.", flag_values=values)
        flags.DEFINE_list("value_range", ["0", "255"], "What the model takes black and white for.", flag_values=values)
        flags.DEFINE_bool("flips", True, "Train on mirrored images, too.", flag_values=values)
        flags.DEFINE_list("recipes", list(_RECIPES), "Which recipes.", flag_values=values)
        flags.DEFINE_list("layers", None, "Patterns of update layers' names, as in the shell.", flag_values=values)
        flags.DEFINE_float(
            "update_fraction", 0.02, "Share of the convolution weights to update per step.", flag_values=values
        )
        flags.DEFINE_integer("every", 100, "Steps between two draws of channels.", flag_values=values)
        flags.DEFINE_integer("epochs", 10, "Length of each run.", flag_values=values)
        flags.DEFINE_integer("batch_size", 64, "Examples per step.", flag_values=values)
        flags.DEFINE_float(
            "learning_rate", 0.1, "The highest; it rises for a tenth of the run, then falls to 0.", flag_values=values
        )
        flags.DEFINE_list("seeds", ["0"], "One run of each recipe for each of them.", flag_values=values)
        flags.DEFINE_float(
            "held_out", 0.2, "Share of the data to judge by, if it has no test data of its own.", flag_values=values
        )
        flags.DEFINE_string("state_dir", None, "Keep features and unfinished runs here.", flag_values=values)
        flags.DEFINE_string("out", "study.jsonl", "Add the runs to this file.", flag_values=values)

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        unknown = set(values.recipes) - _RECIPES.keys()
        if unknown:
            raise UsageError(f"--recipes takes some of {', '.join(_RECIPES)}. Received: {', '.join(sorted(unknown))}.")
        if values.model is None or values.data is None:
            raise UsageError(
                f"--model and --data are needed. Received: --model={values.model}, --data={values.data}. Give both."
            )
        model = load_model(values.model)
        from ...study import StudyRun, add_record, format_table, rows_of

        images, judge = _read(model, values)
        records = []
        with tempfile.TemporaryDirectory() as temporary:
            for recipe in _recipes(model, values, len(images)):
                run = StudyRun(model, recipe, images, {"held_out": judge}, values.state_dir or temporary)
                with progress_bar("Outputs of the frozen layers", run.n_features) as advance:
                    run.prepare(advance)
                with progress_bar(f"{recipe.name}, seed {recipe.seed}", recipe.epochs) as advance:
                    records.append(run.run(lambda entry, advance=advance: advance()))
                add_record(values.out, records[-1])
        print(format_table(rows_of(records, "held_out")))
        print(f"\nEach run is a line of {values.out}.")


def _recipes(model: keras.Model, values: flags.FlagValues, n_images: int) -> list[Recipe]:
    from ...planning import plan
    from ...study import Recipe

    layers = tuple(values.layers or ())
    if not layers:
        made = plan(model, update_fraction=values.update_fraction)
        # Those with a bias alone or with all channels belong to them, too; the head moves in any recipe.
        layers = tuple(layer.name for layer in made.layers if layer.kind != "Dense")
    n_steps = max(1, n_images // values.batch_size) * values.epochs
    return [
        Recipe(
            name,
            **_RECIPES[name],
            layers=layers,
            update_fraction=values.update_fraction,
            every=values.every,
            epochs=values.epochs,
            batch_size=values.batch_size,
            learning_rate=values.learning_rate,
            warm_up_steps=min(_MOST_WARM_UP_STEPS, n_steps // 10),
            n_views=2 if values.flips and len(model.input_shape) == 4 else 1,
            seed=int(seed),
        )
        for name in values.recipes
        for seed in values.seeds
    ]


def _read(model: keras.Model, values: flags.FlagValues) -> tuple[StudyImages, StudyImages]:
    """Examples to train with, and to judge by."""
    import numpy as np

    from ...study import StudyImages
    from ...study.image_folder import read_image_folder

    n_classes = model.output_shape[-1]
    if os.path.isfile(values.data):
        data = read_labelled_data(values.data)
        _check_classes(data.y, n_classes)
        view = _view((0.0, 1.0), len(model.input_shape) == 4, unit=1.0)
        everything = StudyImages(data.x, data.y, view, "as they are")
        if data.test_name == "held-out":
            return everything, StudyImages(data.x_test, data.y_test, view, "as they are")
    else:
        low, high = _value_range(values.value_range)
        x, y = read_image_folder(values.data, model.input_shape[1:3], model.input_shape[-1])
        _check_classes(y, n_classes)
        everything = StudyImages(x, y, _view((low, high), True, unit=255.0), f"{low} to {high}")
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(everything))
    n_judged = max(1, round(values.held_out * len(everything)))
    return everything.take(order[n_judged:]), everything.take(order[:n_judged])


def _value_range(words: list[str]) -> tuple[float, float]:
    try:
        low, high = map(float, words)
    except ValueError as error:
        raise UsageError(
            f"--value_range takes two numbers. Received: {','.join(words)}. Write it as --value_range=-1,1."
        ) from error
    return low, high


def _view(value_range: tuple[float, float], is_image: bool, unit: float):
    import numpy as np

    low, high = value_range

    def view(x, number: int):
        x = low + x.astype(np.float32) * np.float32((high - low) / unit)
        return x[:, :, ::-1] if is_image and number % 2 else x

    return view


def _check_classes(labels, n_classes: int) -> None:
    if labels.ndim != 1 or labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(
            f"The model must have an output for each class, and labels be numbers of these. Received: {n_classes} "
            f"outputs, labels of shape {list(labels.shape)} from {labels.min()} to {labels.max()}. Give the model a last "
            "Dense layer with as many units as there are classes."
        )
