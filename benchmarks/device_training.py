# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Trains the ImageNet MobileNetV2 on CIFAR-10, image by image, in int8 in the real TFLM interpreter and in float32 in Keras.

All runs see the same images in the same order with the same learning rates, and update what the same plan says:

    keras           float32, Keras, batch size 1
    keras_head      the same, the last layer alone
    int8            the int8 bundle on TFLM, updates rounded stochastically
    int8_remainder  the same, with a second byte per weight that keeps what rounding leaves
    int8_nearest    the same, rounded to the nearest
    int8_head       the last layer alone, on TFLM
    int8_before     the int8 bundle before its first step, as TFLM infers
    exactness       two sessions with one bundle: all variables must be equal, bit for bit

A run takes from a minute (Keras) to an hour (TFLM, on one core), so runs can be chosen and go on where they stopped:

    python benchmarks/device_training.py --data_dir=DATA --state_dir=/tmp/runs --only=int8,keras

What a smaller budget costs, and what biases and head reach alone, each into a file of its own; a tenth of the weights
(--update_fraction=0.1) goes into ..._10.json:

    python benchmarks/device_training.py --data_dir=DATA --ram=112KB --only=int8 \
        --output=benchmarks/results/device_training_112kb.json
    python benchmarks/device_training.py --data_dir=DATA --update_fraction=0 --only=int8 \
        --output=benchmarks/results/device_training_bias.json

By a plan that spreads the weights over all convolutions by the gain to be expected of each, into a file ..._by_gain.json:

    python benchmarks/device_training.py --data_dir=DATA --by_gain --only=int8 \
        --output=benchmarks/results/device_training_by_gain.json

By LARS, as `cifar10.py` trains in Keras; with --row=dynamic_2 exactly what that does, into ..._dynamic_2.json:

    python benchmarks/device_training.py --data_dir=DATA --optimizer=lars --trust_coefficient=0.1 \
        --output=benchmarks/results/device_training_lars.json

One pass over all training images, some ten minutes, and beside it biases and head alone:

    python benchmarks/device_training.py --data_dir=DATA --optimizer=lars --trust_coefficient=0.1 \
        --n_steps=45000 --only=int8 --output=benchmarks/results/device_training_long.json
    python benchmarks/device_training.py --data_dir=DATA --update_fraction=0 --n_steps=45000 --only=int8 \
        --output=benchmarks/results/device_training_long_bias.json
"""

import dataclasses
import json
import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cifar10_images
import keras
import training_runs
from absl import app, flags
from cifar10_model import CHECKPOINT
from cifar10_recipes import ROWS

import tfdgsu
from tfdgsu.atomic_write import atomic_write
from tfdgsu.expected_gain import prior_gain
from tfdgsu.prepare import prepare

RUNS = ("keras", "keras_head", "int8", "int8_remainder", "int8_nearest", "int8_head", "int8_before", "exactness")
ROUNDINGS = {"int8_remainder": "remainder", "int8_nearest": "nearest"}
UNLIMITED = "1000MB"
N_EXACT_STEPS = 200
HEAD = "head"
DEFAULTS = training_runs.Recipe()

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder with checkpoint and images. Default: TFDGSU_DATA_DIR.")
_STATE_DIR = flags.DEFINE_string("state_dir", None, "Where unfinished runs are kept. Default: a temporary folder.")
_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/device_training.json", "Results; runs are added to it.")
_ONLY = flags.DEFINE_list("only", list(RUNS), "Which runs.")
_RAM = flags.DEFINE_string("ram", "256KB", "Budget of the plan.")
_ROW = flags.DEFINE_string("row", None, "Update what this recipe of cifar10.py does, not what the budget allows.")
_BY_GAIN = flags.DEFINE_bool("by_gain", False, "Plan as of a network without inverted bottlenecks.")
_UPDATE_FRACTION = flags.DEFINE_float("update_fraction", 0.02, "Share of the convolutions' weights in a step.")
_N_STEPS = flags.DEFINE_integer("n_steps", DEFAULTS.n_steps, "Training steps.", lower_bound=1)
_N_TEST = flags.DEFINE_integer("n_test", cifar10_images.N_TEST, "Images to evaluate.", lower_bound=1)
_EVALUATE_ON = flags.DEFINE_enum("evaluate_on", "test", ["test", "validation"], "Choose settings on the latter only.")
_LEARNING_RATE = flags.DEFINE_float("learning_rate", DEFAULTS.learning_rate, "Highest learning rate.")
_OPTIMIZER = flags.DEFINE_enum("optimizer", DEFAULTS.optimizer, ["sgd", "lars"], "Of convolutions; else plain SGD.")
_TRUST_COEFFICIENT = flags.DEFINE_float("trust_coefficient", DEFAULTS.trust_coefficient, "Of LARS.")
_MOMENTUM = flags.DEFINE_float("momentum", DEFAULTS.momentum, "Momentum of SGD.")
_EVERY = flags.DEFINE_integer("every", DEFAULTS.every, "Steps between two draws of channels.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", DEFAULTS.seed, "Of images, channels and rounding.")


class Benchmark:
    """The runs of one model on one task.

    Args:
        make_model: Returns the Keras model, the same at every call.
        quantization: Arguments of `export_training_bundle` that say how to quantize: `scales` or `representative_data`.
        task: Images.
        recipe: How to train.
        folder: For bundles and states of runs.
    """

    def __init__(self, make_model, quantization: dict, task, recipe, folder: pathlib.Path, **plan_arguments):
        self.task = task
        self.recipe = recipe
        self._make_model = make_model
        self._quantization = quantization
        self._folder = folder
        model = make_model()
        counted = {"quantize": "int8", "momentum": recipe.momentum > 0, "optimizer": recipe.optimizer}
        self.plan = tfdgsu.plan(model, **counted, **plan_arguments)
        n_features = model.get_layer(HEAD).kernel.shape[0]
        self._head_plan = tfdgsu.plan(model, **counted, layers={HEAD: n_features})

    def run(self, name: str) -> dict:
        """What the results file says about one run."""
        if name.startswith("keras"):
            return training_runs.run_in_keras(self._compiled(name), self.task, self.recipe)
        bundle_path, result = self._export(name)
        if name == "exactness":
            n_steps = min(N_EXACT_STEPS, self.recipe.n_steps)
            hashes = [training_runs.hash_after(bundle_path, self.task, self.recipe, n_steps) for _ in range(2)]
            return {"n_steps": n_steps, "variables_sha256": hashes, "is_equal": hashes[0] == hashes[1]}
        if name == "int8_before":
            recipe = dataclasses.replace(self.recipe, n_steps=0)
            device = training_runs.DeviceRun(bundle_path, self._folder, name)
            return {"before": device.run(self.task, recipe)["after"]}
        return {**result, **training_runs.DeviceRun(bundle_path, self._folder, name).run(self.task, self.recipe)}

    def _compiled(self, name: str) -> tfdgsu.SparseUpdateModel:
        plan = self._head_plan if name.endswith("_head") else self.plan
        return training_runs.compiled(self._make_model(), plan, self.recipe)

    def _export(self, name: str) -> tuple[pathlib.Path, dict]:
        sparse = self._compiled(name)
        path = self._folder / f"{name}.tflite"
        rounding = ROUNDINGS.get(name, "stochastic")
        callback = self.recipe.callback() if sparse.channels else None
        arguments = {"quantize": "int8", "rounding": rounding, "callback": callback, **self._quantization}
        if rounding == "remainder":
            arguments["ram"] = UNLIMITED  # More bytes for the same plan: what they buy is the question.
        report = tfdgsu.export.export_training_bundle(sparse, path, **arguments)
        return path, {"rounding": rounding, "bundle_bytes": report.file_bytes}


def describe(benchmark: Benchmark, n_test: int) -> dict:
    """Settings: results of other ones are not comparable."""
    plan, recipe = benchmark.plan, benchmark.recipe
    return {
        "what": f"CIFAR-10 at {recipe.image_size}x{recipe.image_size}, single images, plain CPU",
        "recipe": dataclasses.asdict(recipe),
        "n_test": n_test,
        "plan": {
            "update_fraction": plan.update_fraction,
            "ram_bytes": plan.ram_bytes,
            "layers": {layer.name: [layer.n_selected, layer.n_channels, layer.update_bias] for layer in plan.layers},
        },
    }


def add_result(document: dict, name: str, result: dict) -> dict:
    """The document with one more run, and what can be said of all its runs together."""
    runs = {**document.get("runs", {}), name: result}
    runs = {name: runs[name] for name in RUNS if name in runs}
    n_test = document["settings"]["n_test"]
    scores = {name: training_runs.Score.from_dict(run["after"], n_test) for name, run in runs.items() if "after" in run}
    leads = {}
    for one, score in scores.items():
        other = "keras_head" if one.endswith("_head") else "keras"
        if one.startswith("int8") and other in scores:
            lead, error = score.lead_over(scores[other])
            leads[f"{one} over {other}"] = {"accuracy": lead, "standard_error": error}
    return {**document, "runs": runs, "leads": leads}


def format_table(document: dict) -> str:
    """Results for people."""
    lines = [f"{'run':<16} {'accuracy':>17} {'arena bytes':>12} {'variables':>10} {'steps/s':>8}"]
    for name, run in document["runs"].items():
        if name == "exactness":
            continue
        score = run.get("after") or run["before"]
        accuracy = f"{100 * score['accuracy']:.2f} +- {100 * score['standard_error']:.2f} %"
        arena, variables = run.get("arena_bytes"), run.get("variable_bytes")
        numbers = [f"{value:,}" if value else "" for value in (arena, variables)]
        speed = f"{run['steps_per_second']:.2f}" if "steps_per_second" in run else ""
        lines.append(f"{name:<16} {accuracy:>17} {numbers[0]:>12} {numbers[1]:>10} {speed:>8}")
    for name, lead in document["leads"].items():
        lines.append(f"{name}: {100 * lead['accuracy']:+.2f} +- {100 * lead['standard_error']:.2f} points")
    if "exactness" in document["runs"]:
        exactness = document["runs"]["exactness"]
        lines.append(
            f"Two sessions after {exactness['n_steps']} steps: {'equal' if exactness['is_equal'] else 'DIFFERENT'}"
        )
    return "\n".join(lines)


def run_and_store(benchmark: Benchmark, names, output: pathlib.Path) -> dict:
    """Runs, and adds each result to the file at once; a file of other settings is replaced."""
    for name in names:
        result = benchmark.run(name)
        document = {"settings": describe(benchmark, len(benchmark.task.test))}
        if output.exists():
            stored = json.loads(output.read_text())
            recipe = {**dataclasses.asdict(DEFAULTS), **stored["settings"].get("recipe", {})}
            if {**stored["settings"], "recipe": recipe} == json.loads(json.dumps(document["settings"])):
                document["runs"] = stored["runs"]
        document = add_result(document, name, result)
        output.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(output, (json.dumps(document, indent=2) + "\n").encode())
    return document


def expected_gain(model: keras.Model) -> dict[str, float]:
    """What the plan of a network without inverted bottlenecks would go by, of all layers that it considers."""
    considered = [reason.name for reason in tfdgsu.plan(model).reasons if reason.gain is not None]
    return prior_gain(prepare(model), considered)


def _read_task(recipe) -> training_runs.Task:
    train, test = cifar10_images.load(_DATA_DIR.value)
    train, validation = cifar10_images.split(train, cifar10_images.N_VALIDATION)
    judges = test.take(cifar10_images.shuffled(len(test), 0)) if _EVALUATE_ON.value == "test" else validation
    if recipe.n_steps > len(train) or _N_TEST.value > len(judges):
        raise app.UsageError(f"There are {len(train)} images to train on and {len(judges)} to evaluate.")
    order = cifar10_images.shuffled(len(train), recipe.seed)[: recipe.n_steps]
    return training_runs.Task(train.take(order), judges.take(slice(_N_TEST.value)))


def main(argv):
    del argv
    folder = cifar10_images.data_folder(_DATA_DIR.value)
    if folder is None:
        raise app.UsageError("The checkpoint is in a folder. Received: neither --data_dir nor TFDGSU_DATA_DIR.")
    unknown = set(_ONLY.value) - set(RUNS)
    if unknown:
        raise app.UsageError(f"--only takes some of {', '.join(RUNS)}. Received: {', '.join(sorted(unknown))}.")
    if _ROW.value not in (None, *ROWS):
        raise app.UsageError(f"--row takes one of {', '.join(ROWS)}. Received: {_ROW.value}.")
    chosen = (_N_STEPS, _LEARNING_RATE, _OPTIMIZER, _TRUST_COEFFICIENT, _MOMENTUM, _EVERY, _SEED)
    recipe = training_runs.Recipe(**{flag.name: flag.value for flag in chosen})

    def load():
        return tfdgsu.load_int8_checkpoint(folder / CHECKPOINT, n_classes=cifar10_images.N_CLASSES)

    _, scales = load()
    with tempfile.TemporaryDirectory() as temporary:
        state_dir = pathlib.Path(_STATE_DIR.value or temporary)
        state_dir.mkdir(parents=True, exist_ok=True)
        plan_arguments = {"ram": _RAM.value, "update_fraction": _UPDATE_FRACTION.value}
        if _BY_GAIN.value:
            plan_arguments["gain"] = expected_gain(load()[0])
        if _ROW.value:
            chosen_layers = ROWS[_ROW.value].plan(load()[0]).layers
            plan_arguments = {"ram": _RAM.value, "layers": {layer.name: layer.n_selected for layer in chosen_layers}}
        task = _read_task(recipe)
        benchmark = Benchmark(lambda: load()[0], {"scales": scales}, task, recipe, state_dir, **plan_arguments)
        document = run_and_store(benchmark, _ONLY.value, pathlib.Path(_OUTPUT.value))
    print(format_table(document))


if __name__ == "__main__":
    app.run(main)
