# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the arenas that the ImageNet MobileNetV2 (width 0.35, 128x128) needs on TFLM, to infer and to train.

Every row is a file that the exporter wrote. Its arena is predicted for x86-64 and Cortex-M, and measured by TFLM's own
recording allocator in an arena of exactly the predicted size.

    inference       int8, builtin ops, 1,000 classes with a scale each: what stock TFLM needs
    dense           every weight of every layer is trained, in int8 or in float32
    head            the last layer alone
    bias            biases and the last layer
    2%, 10%         biases, the last layer and so much of the convolutions' weights per step

The second part says how low training goes: fewer update layers, fewer weights, smaller budgets.

    python benchmarks/arena.py --data_dir=DATA
"""

import dataclasses
import json
import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cifar10_images
import keras
from absl import app, flags
from cifar10_model import CHECKPOINT, has_checkpoint
from tfdgsu.export.schema import read_graph
from tfdgsu.micro_runtime import Session
from tfdgsu.micro_runtime.interpreter import Interpreter

import tfdgsu
from tfdgsu.atomic_write import atomic_write

N_CLASSES = 10
RAM = "256KB"
RAM_BYTES = 256 * 1024
UNLIMITED = "1000MB"
FRACTIONS = {"2%": 0.02, "10%": 0.10}
LOW_LAYERS = (3, 6, 12, 18, 30)
LOW_FRACTIONS = (0.0, 0.01, 0.02)
LOW_RAMS = ("96KB", "128KB", "160KB", "192KB", "224KB")

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder with the checkpoint. Default: TFDGSU_DATA_DIR.")
_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/arena.json", "Where to write the results.")


@dataclasses.dataclass(frozen=True)
class Row:
    """One file; updates are (selected, all) input channels by layer."""

    name: str
    number_format: str
    predicted_bytes: int
    predicted_head_bytes: int
    least_arena_bytes: int
    measured_bytes: int
    predicted_cortex_m_bytes: int
    file_bytes: int
    kept_bytes: int = 0
    update_fraction: float = 0.0
    n_update_layers: int = 0
    updates: dict[str, list[int]] = dataclasses.field(default_factory=dict)


class Exporter:
    """Writes bundles of the checkpoint's model with a new last layer, and measures them."""

    def __init__(self, checkpoint: pathlib.Path, folder: pathlib.Path):
        self._path = folder / "model.tflite"
        self._checkpoint = checkpoint
        self.model, self._scales = tfdgsu.load_int8_checkpoint(checkpoint, n_classes=N_CLASSES)

    def inference(self) -> Row:
        """The checkpoint's own network, its forward pass alone."""
        model, scales = tfdgsu.load_int8_checkpoint(self._checkpoint)
        report = tfdgsu.export.export_inference_model(model, self._path, quantize="int8", scales=scales)
        interpreter = Interpreter(self._path.read_bytes(), report.arena.minimum_arena_bytes)
        return self._row("inference", "int8", report, interpreter.arena_usage().total_bytes)

    def training(self, name: str, number_format: str = "int8", **plan_arguments) -> Row:
        """A bundle for the plan that `tfdgsu.plan` makes of the arguments."""
        quantize = "int8" if number_format == "int8" else None
        plan = tfdgsu.plan(self.model, quantize=quantize, **{"ram": UNLIMITED, **plan_arguments})
        sparse = tfdgsu.SparseUpdateModel(self.model, plan)
        sparse.compile(keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
        draws = any(layer.is_sparse for layer in plan.layers)
        report = tfdgsu.export.export_training_bundle(
            sparse,
            self._path,
            quantize=quantize,
            scales=self._scales if quantize else None,
            callback=tfdgsu.DynamicSparseCallback(policy="random", every=100) if draws else None,
            ram=UNLIMITED,
        )
        updates = {layer.name: [layer.n_selected, layer.n_channels] for layer in plan.layers}
        return dataclasses.replace(
            self._row(name, number_format, report, Session(self._path).arena_report().total_bytes),
            kept_bytes=kept_bytes(self._path.read_bytes()),
            update_fraction=plan.update_fraction,
            n_update_layers=len(plan.layers),
            updates=updates,
        )

    def every_layer(self) -> dict[str, int]:
        """All input channels of every layer with weights but the last, which a plan trains anyway."""
        return {
            layer.name: layer.kernel.shape[-2]
            for layer in self.model.layers
            if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
        }

    def _row(self, name: str, number_format: str, report, measured_bytes: int) -> Row:
        arena = report.arena
        print(f"{name} ({number_format}): {measured_bytes:,} bytes", flush=True)
        return Row(
            name=name,
            number_format=number_format,
            predicted_bytes=arena.total_bytes,
            predicted_head_bytes=arena.head_bytes,
            least_arena_bytes=arena.minimum_arena_bytes,
            measured_bytes=measured_bytes,
            predicted_cortex_m_bytes=report.arena_cortex_m.total_bytes,
            file_bytes=report.file_bytes,
        )


def kept_bytes(model: bytes) -> int:
    """What the forward pass leaves for the backward pass: all that is made before the loss and read after it."""
    graph = read_graph(model)
    loss = next(op for op in graph.ops if graph.signatures["train"].outputs["loss"] in op.outputs)
    at = graph.index(loss)
    made = [graph.signatures["train"].inputs["x"], *(t for op in graph.ops[:at] for t in op.outputs)]
    read = {id(t) for op in graph.ops[at + 1 :] for t in op.inputs}
    return sum(t.n_bytes for t in made if id(t) in read)


def measure_methods(exporter: Exporter) -> list[Row]:
    """The first table."""
    rows = [exporter.inference()]
    for number_format in ("float32", "int8"):
        rows.append(exporter.training("dense", number_format, layers=exporter.every_layer()))
    rows.append(exporter.training("head", layers={}))
    in_budget = exporter.training("2%", update_fraction=FRACTIONS["2%"], ram=RAM)
    convolutions = in_budget.updates.keys() & exporter.every_layer().keys()
    rows.append(exporter.training("bias", layers=dict.fromkeys(sorted(convolutions), 0)))
    rows.append(in_budget)
    rows.append(exporter.training("10%", update_fraction=FRACTIONS["10%"]))
    return rows


def measure_low(exporter: Exporter) -> list[Row]:
    """The second: arguments of `tfdgsu.plan` that give small arenas."""
    rows = []
    for ram in LOW_RAMS:
        try:
            rows.append(exporter.training(f"ram={ram}, update_fraction={FRACTIONS['2%']}", ram=ram))
        except ValueError as error:
            print(f"ram={ram}: {error}")
    for n_layers in LOW_LAYERS:
        for fraction in LOW_FRACTIONS:
            name = f"n_layers={n_layers}, update_fraction={fraction}"
            rows.append(exporter.training(name, n_layers=n_layers, update_fraction=fraction))
    return rows


def format_table(rows: list[Row], dense: dict[str, Row]) -> str:
    """Markdown."""
    columns = ("what", "numbers", "x86-64 predicted", "measured", "Cortex-M predicted", "kept")
    columns += ("of dense int8", "of dense float32", "updated weights")
    lines = [f"| {' | '.join(columns)} |", f"|---|---|{'---:|' * (len(columns) - 2)}"]
    for row in rows:
        shares = [f"{row.kept_bytes / dense[f].kept_bytes:.2%}" for f in ("int8", "float32")]
        lines.append(
            f"| {row.name} | {row.number_format} | {row.predicted_bytes:,} | {row.measured_bytes:,} "
            f"| {row.predicted_cortex_m_bytes:,} | {row.kept_bytes:,} | {shares[0]} | {shares[1]} "
            f"| {row.update_fraction:.2%} of {row.n_update_layers} layers |"
        )
    return "\n".join(lines)


def main(argv):
    del argv
    folder = cifar10_images.data_folder(_DATA_DIR.value)
    if not has_checkpoint(folder):
        raise SystemExit(
            f"The benchmark reads {CHECKPOINT}.json and .npz. Received: data_dir={folder}. Remedy: pass --data_dir."
        )
    with tempfile.TemporaryDirectory() as work:
        exporter = Exporter(folder / CHECKPOINT, pathlib.Path(work))
        methods = measure_methods(exporter)
        dense = {row.number_format: row for row in methods if row.name == "dense"}
        print(format_table(methods, dense), flush=True)
        low = sorted(measure_low(exporter), key=lambda row: row.measured_bytes)
        print(format_table(low, dense))
    results = {
        "what": "MobileNetV2 width 0.35, 128x128, ImageNet int8 checkpoint, batch 1, SGD; bytes",
        "budget_bytes": RAM_BYTES,
        "methods": [dataclasses.asdict(row) for row in methods],
        "low": [dataclasses.asdict(row) for row in low],
    }
    os.makedirs(os.path.dirname(os.path.abspath(_OUTPUT.value)), exist_ok=True)
    atomic_write(_OUTPUT.value, (json.dumps(results, indent=2) + "\n").encode())
    wrong = [row.name for row in (*methods, *low) if row.predicted_bytes != row.measured_bytes]
    ours = next(row for row in methods if row.name == "2%")
    if wrong or ours.least_arena_bytes > RAM_BYTES:
        raise SystemExit(f"Predictions are exact, and 2% trains in {RAM_BYTES:,} bytes. Received: {wrong}, {ours}.")


if __name__ == "__main__":
    app.run(main)
