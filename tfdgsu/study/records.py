# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Finished runs in a file, one line of JSON each, and what they say together."""

import dataclasses
import json
import os
import pathlib
import statistics

from ..atomic_write import atomic_write
from .recipe import Recipe


def read_records(path: str | os.PathLike) -> list[dict]:
    """Returns the runs of a file, in its order; none if there is no file."""
    path = pathlib.Path(path)
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def add_record(path: str | os.PathLike, record: dict) -> None:
    """Adds a run, as `StudyRun.run` returned it, to a file, in place of one with the same recipe, images and judges."""
    identity = _identity(record)
    kept = [other for other in read_records(path) if _identity(other) != identity]
    lines = [json.dumps(item) for item in (*kept, record)]
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, ("\n".join(lines) + "\n").encode())


@dataclasses.dataclass(frozen=True)
class Row:
    """Runs of one recipe that differ in their seed.

    Attributes:
        recipe: Of the first of them.
        accuracies: By seed, after the last epoch.
        updated_fraction: Share of the convolution weights in a step.
        visited_weights: Weights that were ever updated, on average.
        memory: By number format, what backward needs of forward: `kept_bytes`, `share_of_dense`.
        images_per_second: In training, the median over epochs, which one that was interrupted leaves as it is.
        histories: Accuracy after each epoch, by seed.
    """

    recipe: Recipe
    accuracies: dict[int, float]
    updated_fraction: float
    visited_weights: float
    memory: dict[str, dict]
    images_per_second: float
    histories: dict[int, list[float]]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.accuracies.values())

    @property
    def spread(self) -> float | None:
        """Standard deviation over the seeds, or `None` of one."""
        return statistics.stdev(self.accuracies.values()) if len(self.accuracies) > 1 else None

    @property
    def percent(self) -> str:
        """Mean and, of several seeds, spread, in percent: "83.11 ± 0.19"."""
        return f"{100 * self.mean:.2f}" + ("" if self.spread is None else f" ± {100 * self.spread:.2f}")


def rows_of(records: list[dict], judge: str) -> list[Row]:
    """Returns one row for each recipe, in the order of their first runs.

    Args:
        records: Runs.
        judge: Whose accuracy counts; runs that it didn't judge are left out.
    """
    groups: dict[Recipe, list[dict]] = {}
    for record in records:
        if judge in record["history"][-1]:
            groups.setdefault(dataclasses.replace(_recipe_of(record), seed=0), []).append(record)
    return [_row(group, judge) for group in groups.values()]


def _recipe_of(record: dict) -> Recipe:
    """What a run was made by; fields that it doesn't name are younger than the run, and have their defaults."""
    return Recipe(**record["recipe"])


def _identity(record: dict) -> tuple:
    return _recipe_of(record), record["n_images"], set(record["history"][-1])


def _row(group: list[dict], judge: str) -> Row:
    by_seed = sorted(group, key=lambda record: record["recipe"]["seed"])
    rates = [entry["images_per_second"] for record in group for entry in record["history"]]
    return Row(
        _recipe_of(group[0]),
        {record["recipe"]["seed"]: record["history"][-1][judge] for record in by_seed},
        group[0]["update_fraction"],
        statistics.fmean(record["visited_weights"] for record in group),
        group[0]["memory"],
        statistics.median(rates),
        {record["recipe"]["seed"]: [entry[judge] for entry in record["history"]] for record in by_seed},
    )


def format_table(rows: list[Row]) -> str:
    """Returns the rows as a table in Markdown."""
    lines = [
        "| recipe | accuracy | seeds | epochs | updated a step | weights visited | memory int8 | memory float32 | images/s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        shares = [f"{100 * row.memory[name]['share_of_dense']:.2f}%" for name in ("int8", "float32")]
        cells = [
            row.recipe.name,
            row.percent,
            str(len(row.accuracies)),
            str(row.recipe.epochs),
            f"{100 * row.updated_fraction:.2f}%",
            f"{row.visited_weights:,.0f}",
            *shares,
            f"{row.images_per_second:,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
