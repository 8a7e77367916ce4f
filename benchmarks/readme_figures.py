# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the README's figures from the stored results, so that none is typed by hand.

python benchmarks/readme_figures.py
"""

import json
import pathlib

import generated_parts

from tfdgsu.study import Row, read_records, rows_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
SOURCE = "benchmarks/readme_figures.py from benchmarks/results/"
HEADLINE = "headline"
ACCURACY = "accuracy"
FIGURES = "figures"
_METHODS = {
    "inference": "inference, stock TFLM",
    "dense": "training all weights",
    "head": "training the head",
    "bias": "training biases and head",
    "2%": "**2% of the convolution weights, biases, head**",
    "10%": "10% of the convolution weights, biases, head",
}


def format_headline(results: dict[str, dict]) -> str:
    """What int8 training needs and reaches: a paragraph and the table of arenas, as Markdown."""
    rows = {row["name"]: row for row in results["arena"]["methods"] if row["number_format"] == "int8"}
    training, blocks = results["device_training"], results["frozen_blocks"]
    runs, settings, recipe = training["runs"], training["settings"], training["settings"]["recipe"]
    scores = {name: run.get("after") or run.get("before") for name, run in runs.items()}
    accuracy = {name: f"{100 * score['accuracy']:.2f}%" for name, score in scores.items() if score}
    lead = training["leads"]["int8 over keras"]
    device = runs["int8"]
    lines = [
        (
            f"**An ImageNet MobileNetV2 (width 0.35, 128x128, int8) trains in {device['arena_bytes']:,} bytes of TensorFlow "
            f"Lite Micro arena, where stock TFLM needs {rows['inference']['measured_bytes']:,} to run it.** "
            f"{recipe['n_steps']:,} single CIFAR-10 images take it from {accuracy['int8_before']} to {accuracy['int8']} of "
            f"{settings['n_test']:,} test images; the same training in float32 Keras reaches {accuracy['keras']} (a "
            f"difference of {100 * lead['accuracy']:+.2f} +- {100 * lead['standard_error']:.2f} points), biases and head alone reach "
            f"{_accuracy(results, 'bias')}, a new head alone "
            f"{accuracy['int8_head']}. Fused blocks run the convolutions {blocks['all_blocks']['ratio']:.0f} times as fast "
            f"as TFLM's reference kernels, bit for bit the same. {_format_smaller(results)} {_format_board(results)}"
        ),
        "",
        "| int8, batch 1 | arena, x86-64 | predicted | Cortex-M, predicted | kept for backward |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, what in _METHODS.items():
        row = rows[name]
        kept = f"{row['kept_bytes']:,} ({100 * row['kept_bytes'] / rows['dense']['kept_bytes']:.1f}%)"
        lines.append(
            f"| {what} | {row['measured_bytes']:,} | {row['predicted_bytes']:,} | {row['predicted_cortex_m_bytes']:,} "
            f"| {kept if row['kept_bytes'] else ''} |"
        )
    return "\n".join([*lines, ""])


def _format_smaller(results: dict[str, dict]) -> str:
    """What smaller budgets cost, smallest last."""
    arenas = {size: results[f"device_training_{size}"]["runs"]["int8"]["arena_bytes"] for size in ("128kb", "112kb")}
    parts = [f"{n_bytes:,} bytes reach {_accuracy(results, size)}" for size, n_bytes in arenas.items()]
    return f"Smaller plans in {' and '.join(parts)}."


def _format_board(results: dict[str, dict]) -> str:
    """What it takes on a board; the run there is compared with the host's, and refused if a bit differs."""
    run = results["board_training"]["runs"]["mobilenet_v2_int8/M7"]
    return (
        f"On a Cortex-M7 that QEMU emulates, training takes {run['ram_bytes']:,} bytes of RAM in all, stack included, and "
        f"{run['instructions_per_step'] / 1e6:.0f} million instructions a step, with the bits of the host."
    )


def _accuracy(results: dict[str, dict], name: str) -> str:
    """Of the int8 run of another setting."""
    return f"{100 * results[f'device_training_{name}']['runs']['int8']['after']['accuracy']:.2f}%"


def format_figures(results: dict[str, dict]) -> str:
    """The README's paragraphs on the quickstart and on training in Keras, as Markdown."""
    quickstart, keras_step = results["quickstart"], results["keras_step"]
    accuracy, memory = quickstart["accuracy"], keras_step["peak_memory_bytes"]
    keras_gain, tflm_gain, int8_gain = (
        f"{accuracy[f'{side}_before']:.3f} to {accuracy[f'{side}_after']:.3f}" for side in ("keras", "tflm", "int8")
    )
    return "\n".join(
        [
            (
                f"On {quickstart['n_cpus']} CPUs it takes {quickstart['duration_s']:.0f} s. On "
                f"{quickstart['n_held_out']} held-out digits {quickstart['shift']}, accuracy goes from {keras_gain} in "
                f"Keras, from {tflm_gain} in TFLM and from {int8_gain} in TFLM with int8, in {quickstart['n_steps']:,} "
                f"steps that each update {100 * quickstart['update_fraction']:.2f}% of the convolution weights. The "
                f"float32 losses of the first {quickstart['n_equal_steps']:,} steps differ by at most "
                f"{quickstart['max_loss_difference_of_equal_steps']:.1e}. The arena is "
                f"{quickstart['arena_predicted_bytes']:,} bytes predicted and {quickstart['arena_measured_bytes']:,} "
                f"measured, {quickstart['int8_arena_measured_bytes']:,} in int8."
            ),
            "",
            (
                f"In Keras, a sparse step on {keras_step['what']}, updating "
                f"{100 * keras_step['plan']['update_fraction']:.1f}% of the convolution weights, is "
                f"{keras_step['speedup_over_dense']:.1f} times as fast as dense full fine-tuning, and "
                f"{keras_step['speedup_over_dense_folded']:.1f} times as fast as dense fine-tuning of the same "
                f"batch-norm-folded model; it takes {memory['sparse'] / 2**20:.0f} MiB instead of "
                f"{memory['dense'] / 2**20:.0f} and {memory['dense_folded'] / 2**20:.0f}."
            ),
            "",
        ]
    )


def format_accuracy(rows: list[Row], results: dict[str, dict]) -> str:
    """What long training reaches, in Keras and in TFLM, as Markdown."""
    by_name = {row.recipe.name: row for row in rows}
    dynamic, recipe = by_name["dynamic_2"], by_name["dynamic_2"].recipe
    return (
        f"In Keras, {recipe.epochs} epochs on the training images of CIFAR-10 take this network to "
        f"{_in_percent(dynamic)} of the test images, in steps that each update {100 * dynamic.updated_fraction:.2f}% of the convolution "
        f"weights, drawn anew every {recipe.every} steps; backward keeps {100 * dynamic.memory['int8']['share_of_dense']:.1f}% of what "
        f"training all weights keeps, in int8. Channels that are drawn once reach {_in_percent(by_name['static_2'])}, biases "
        f"and head alone {_in_percent(by_name['bias'])} in {by_name['bias'].recipe.epochs} epochs, all weights "
        f"{_in_percent(by_name['full'])} in {by_name['full'].recipe.epochs}. {_format_long_device_run(results)} "
        "[Accuracy](docs/accuracy.md) has the rest.\n"
    )


def _format_long_device_run(results: dict[str, dict]) -> str:
    run, settings = results["device_training_long"]["runs"]["int8"], results["device_training_long"]["settings"]
    return (
        f"In TFLM's interpreter, image by image and in int8, one pass over {settings['recipe']['n_steps']:,} images takes it "
        f"to {_accuracy(results, 'long')} in {run['arena_bytes']:,} bytes of arena, biases and head alone to "
        f"{_accuracy(results, 'long_bias')}."
    )


def _in_percent(row: Row) -> str:
    n_seeds = len(row.accuracies)
    return f"{row.percent}% ({n_seeds} seeds)" if n_seeds > 1 else f"{row.percent}%"


def read_parts() -> dict[str, str]:
    """The generated parts of the README by name."""
    folder = ROOT / "benchmarks" / "results"
    results = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    rows = rows_of(read_records(folder / "cifar10.jsonl"), "test")
    return {
        HEADLINE: format_headline(results),
        ACCURACY: format_accuracy(rows, results),
        FIGURES: format_figures(results),
    }


if __name__ == "__main__":
    generated_parts.write(README, SOURCE, read_parts())
