# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the tables and plots of docs/accuracy.md from the stored runs of cifar10.py: `python cifar10.py --write`."""

import dataclasses
import json
import math
import pathlib
import statistics

import cifar10_images
import generated_parts
from cifar10_recipes import ROWS
from training_runs import standard_error

from tfdgsu.study import Recipe, Row, format_table, read_records, rows_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
SOURCE = "benchmarks/cifar10.py --write"
RESULTS = ROOT / "benchmarks" / "results"
PLOTS = ROOT / "docs" / "_static"
# Of rows at equal memory: what re-drawing gains.
_PAIRS = ("static_l1", "static")
_N_JUDGED = {"test": cifar10_images.N_TEST, "validation": cifar10_images.N_VALIDATION}


def write(records_path: pathlib.Path) -> None:
    """Writes the page's parts, and the plots of the rows that the test images judged."""
    records = read_records(records_path)
    generated_parts.write(PAGE, SOURCE, parts(records))
    # What changes a row of the table would hide it in a plot.
    _plot([row for row in _ordered(rows_of(records, "test")) if row.recipe.name in ROWS])


def parts(records: list[dict]) -> dict[str, str]:
    """The generated parts of the page by name: that of a judge, and "device" for what TFLM trained."""
    by_judge = {judge: _format(rows_of(records, judge), n_judged) for judge, n_judged in _N_JUDGED.items()}
    return {**by_judge, "device": _format_device()}


def _format_device() -> str:
    """The stored runs of `device_training.py`, as a table: those in TFLM's interpreter, and in Keras what goes with them."""
    lines = [
        "",
        "| runs of | optimizer | images | updated a step | in TFLM, int8 | in Keras, float32 | arena, bytes |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for path in sorted(RESULTS.glob("device_training*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        recipe, runs = document["settings"]["recipe"], document["runs"]
        scores = [_percent(runs[name]["after"]) if name in runs else "" for name in ("int8", "keras")]
        lines.append(
            f"| {path.stem} | {recipe.get('optimizer', 'sgd')} | {recipe['n_steps']:,} "
            f"| {100 * document['settings']['plan']['update_fraction']:.2f}% | {scores[0]} | {scores[1]} "
            f"| {runs['int8']['arena_bytes']:,} |"
        )
    return "\n".join([*lines, "", ""])


def _percent(score: dict) -> str:
    return f"{100 * score['accuracy']:.2f} ± {100 * score['standard_error']:.2f}"


def _format(rows: list[Row], n_judged: int) -> str:
    rows = _ordered(rows)
    paragraphs = ["No runs yet."]
    if rows:
        paragraphs = [format_table(rows), *_error_of_one_seed(rows, n_judged), *_gains(rows), *_changes(rows)]
    return "\n" + "\n\n".join(paragraphs) + "\n\n"


def _error_of_one_seed(rows: list[Row], n_judged: int) -> list[str]:
    """What rows without a spread have instead."""
    accuracies = [row.mean for row in rows if row.spread is None]
    if not accuracies:
        return []
    error = max(standard_error(accuracy, n_judged) for accuracy in accuracies)
    return [
        f"Of a row with one seed the standard error is up to {100 * error:.2f} points, that of a share of {n_judged:,} images."
    ]


def _ordered(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: _position(row.recipe))


def _base(recipe: Recipe) -> str | None:
    """The row whose name a recipe has, or begins with."""
    return max((name for name in ROWS if f"{recipe.name}_".startswith(f"{name}_")), key=len, default=None)


def _position(recipe: Recipe) -> tuple:
    """Rows come first, then what changes them; longer runs before shorter ones."""
    base = _base(recipe)
    index = len(ROWS) if base is None else list(ROWS).index(base)
    return (0, index) if recipe.name in ROWS else (1, -recipe.epochs, index)


def _gains(rows: list[Row]) -> list[str]:
    """What drawing anew gains over channels that stay, seed by seed."""
    by_name = {row.recipe.name: row for row in rows}
    lines = []
    for name, row in by_name.items():
        for static in _PAIRS:
            other = by_name.get(name.replace("dynamic", static))
            if other is None or other is row:
                continue
            seeds = sorted(row.accuracies.keys() & other.accuracies.keys())
            gains = [100 * (row.accuracies[seed] - other.accuracies[seed]) for seed in seeds]
            if len(gains) > 1:
                error = statistics.stdev(gains) / math.sqrt(len(gains))
                text = f"{statistics.fmean(gains):+.2f} ± {error:.2f} points (mean and standard error of {len(gains)} seeds)"
                lines.append(f"- `{name}` over `{other.recipe.name}`: {text}")
    return ["\n".join(lines)] if lines else []


def _changes(rows: list[Row]) -> list[str]:
    """What recipes change of their row."""
    lines = []
    for recipe in (row.recipe for row in rows):
        base = _base(recipe)
        if base is None:
            continue
        fields = (field.name for field in dataclasses.fields(recipe) if field.name not in ("name", "seed"))
        changed = {name: getattr(recipe, name) for name in fields if getattr(recipe, name) != getattr(ROWS[base], name)}
        flags = (
            f"--{name}={','.join(value) if isinstance(value, tuple) else value}" for name, value in changed.items()
        )
        if changed:
            lines.append(f"- `{recipe.name}`: `--row={base} {' '.join(flags)}`")
    return ["\n".join(lines)] if lines else []


def _plot(rows: list[Row]) -> None:
    if not rows:
        return
    import matplotlib as mpl

    from tfdgsu.study import figures

    with mpl.rc_context({"svg.hashsalt": "tfdgsu", "savefig.transparent": False}):
        for name, draw in (
            ("memory", figures.plot_memory),
            ("fractions", figures.plot_fractions),
            ("epochs", figures.plot_epochs),
        ):
            path = PLOTS / f"accuracy_{name}.svg"
            draw(rows).figure.savefig(path, metadata={"Date": None})
