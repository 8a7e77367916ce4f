# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables of docs/arena.md from the stored results, so that none is typed by hand.

python benchmarks/docs_figures.py
"""

import json
import pathlib

import generated_parts

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "arena.md"
RESULTS = ROOT / "benchmarks" / "results"
SOURCE = "benchmarks/docs_figures.py from benchmarks/results/"
_METHODS = {
    "inference": "inference, stock TFLM",
    "dense": "training all weights",
    "head": "training the head",
    "bias": "training biases and head",
    "2%": "2% of the convolution weights, biases, head",
    "10%": "10% of the convolution weights, biases, head",
}
_BUNDLES = {
    "digits_int8": "digits, int8",
    "digits_float32": "digits, float32",
    "mobilenet_v2_int8": "MobileNetV2, int8",
}


def format_methods(arena: dict) -> str:
    """Every way to update, as Markdown."""
    lines = [
        "| what | format | measured | predicted | of it head | Cortex-M, predicted | kept for backward | file |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in arena["methods"]:
        lines.append(
            f"| {_METHODS[row['name']]} | {row['number_format']} | {row['measured_bytes']:,} | {row['predicted_bytes']:,} "
            f"| {row['predicted_head_bytes']:,} | {row['predicted_cortex_m_bytes']:,} | {row['kept_bytes']:,} "
            f"| {row['file_bytes']:,} |"
        )
    return "\n".join([*lines, ""])


def format_budgets(arena: dict) -> str:
    """What plans of other sizes need, smallest first, as Markdown."""
    lines = [
        "| asked of the planner | layers updated | weights per step | measured | Cortex-M, predicted |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in sorted(arena["low"], key=lambda row: row["measured_bytes"]):
        lines.append(
            f"| `{row['name']}` | {row['n_update_layers']} | {100 * row['update_fraction']:.2f}% "
            f"| {row['measured_bytes']:,} | {row['predicted_cortex_m_bytes']:,} |"
        )
    return "\n".join([*lines, ""])


def format_boards(board_training: dict) -> str:
    """What whole runs on emulated boards take, as Markdown."""
    lines = [
        "| bundle | core | arena used | predicted | stack | RAM in all | bundle | instructions per step |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, run in board_training["runs"].items():
        bundle, _, core = name.partition("/")
        lines.append(
            f"| {_BUNDLES[bundle]} | {core} | {run['arena_used_bytes']:,} | {run['arena_predicted_bytes']:,} "
            f"| {run['stack_bytes']:,} | {run['ram_bytes']:,} | {run['bundle_bytes']:,} "
            f"| {run['instructions_per_step']:,} |"
        )
    return "\n".join([*lines, ""])


def read_parts() -> dict[str, str]:
    """The generated parts of the page by name."""
    arena, board_training = (json.loads((RESULTS / name).read_text()) for name in ("arena.json", "board_training.json"))
    parts = {
        "methods": format_methods(arena),
        "budgets": format_budgets(arena),
        "boards": format_boards(board_training),
    }
    return {name: f"\n{text}\n" for name, text in parts.items()}


if __name__ == "__main__":
    generated_parts.write(PAGE, SOURCE, read_parts())
