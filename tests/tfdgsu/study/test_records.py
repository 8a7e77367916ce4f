# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Stored runs: what is replaced, what is joined, and what the table says."""

import dataclasses

import pytest

from tfdgsu.study import Recipe, add_record, format_table, read_records, rows_of


def _record(recipe, accuracies, judge="test"):
    history = [
        {"epoch": i + 1, "seconds": 1.0, "images_per_second": 100.0, judge: value} for i, value in enumerate(accuracies)
    ]
    memory = {
        name: {"kept_bytes": size, "share_of_dense": size / 4096} for name, size in (("int8", 64), ("float32", 256))
    }
    return {
        "recipe": dataclasses.asdict(recipe),
        "n_images": 10,
        "update_fraction": 0.0199,
        "visited_weights": 1000 + recipe.seed,
        "memory": memory,
        "history": history,
    }


def test_a_run_takes_the_place_of_one_with_its_recipe(tmp_path):
    path = tmp_path / "runs" / "study.jsonl"
    assert read_records(path) == []
    recipes = [Recipe("a"), Recipe("a", seed=1), Recipe("b")]
    for recipe in recipes:
        add_record(path, _record(recipe, [0.5]))
    add_record(path, _record(recipes[0], [0.75]))
    add_record(path, _record(recipes[0], [0.25], judge="validation"))
    assert [list(record["history"][-1].values())[-1] for record in read_records(path)] == [0.5, 0.5, 0.75, 0.25]


def test_runs_from_before_a_field_have_its_default():
    old, new = _record(Recipe("a"), [0.6]), _record(Recipe("a", seed=1), [0.8])
    del old["recipe"]["mixup"]
    (row,) = rows_of([old, new], "test")
    assert row.accuracies == {0: 0.6, 1: 0.8}


def test_an_epoch_that_stood_still_does_not_tell_the_speed():
    record = _record(Recipe("a"), [0.5, 0.6, 0.7])
    record["history"][1]["images_per_second"] = 0.5
    (row,) = rows_of([record], "test")
    assert row.images_per_second == 100


def test_runs_that_differ_in_their_seed_are_one_row(tmp_path):
    path = tmp_path / "study.jsonl"
    for recipe, last in ((Recipe("a"), 0.6), (Recipe("b"), 0.9), (Recipe("a", seed=1), 0.8)):
        add_record(path, _record(recipe, [0.1, last]))
    add_record(path, _record(Recipe("c"), [0.1], judge="validation"))
    one, other = rows_of(read_records(path), "test")
    assert (one.recipe.name, one.accuracies, one.histories[1]) == ("a", {0: 0.6, 1: 0.8}, [0.1, 0.8])
    assert one.mean == pytest.approx(0.7) and one.spread == pytest.approx(0.02**0.5)
    assert other.spread is None and one.visited_weights == 1000.5
    table = format_table([one, other]).splitlines()
    assert table[2] == "| a | 70.00 ± 14.14 | 2 | 10 | 1.99% | 1,000 | 1.56% | 6.25% | 100 |"
    assert table[3].startswith("| b | 90.00 | 1 |")
