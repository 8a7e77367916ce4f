# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Plots of finished runs show the runs' numbers."""

import matplotlib.pyplot as plt
import pytest

from tfdgsu.study import Recipe, Row, figures


@pytest.fixture
def rows():
    memory = {
        "int8": {"kept_bytes": 2048, "share_of_dense": 0.02},
        "float32": {"kept_bytes": 4096, "share_of_dense": 0.01},
    }
    yield [
        Row(Recipe("head"), {0: 0.6}, 0.0, 100.0, memory, 900.0, {0: [0.5, 0.6]}),
        Row(Recipe("dynamic"), {0: 0.8, 1: 0.9}, 0.02, 900.0, memory, 700.0, {0: [0.5, 0.8], 1: [0.7, 0.9]}),
    ]
    plt.close("all")


def test_accuracy_against_epochs(rows):
    ax = figures.plot_epochs(rows)
    curves = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()}
    assert curves["head"] == ([1, 2], [50.0, 60.0])
    assert curves["dynamic"][1] == pytest.approx([60.0, 85.0])


def test_every_one_of_many_rows_has_a_colour_of_its_own(rows):
    ax = figures.plot_epochs([rows[0]] * 14)
    assert len({tuple(line.get_color()) for line in ax.get_lines()}) == 14


def test_accuracy_against_the_share_of_a_step(rows):
    ax = figures.plot_fractions(rows)
    points = {item.get_label(): item.lines[0].get_xydata()[0].tolist() for item in ax.containers}
    assert points == {"head": [0.0, 60.0], "dynamic": pytest.approx([2.0, 85.0])}


@pytest.mark.parametrize(("number_format", "kib"), [("int8", 2.0), ("float32", 4.0)])
def test_accuracy_against_memory(rows, number_format, kib):
    ax = figures.plot_memory(rows, number_format)
    points = ax.containers[0].lines[0].get_xydata()
    assert points.tolist() == [[kib, 60.0], [kib, pytest.approx(85.0)]]
    assert number_format in ax.get_xlabel()
