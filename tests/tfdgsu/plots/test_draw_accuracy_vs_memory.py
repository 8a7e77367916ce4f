# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Points, error bars and front of accuracy against memory."""

import itertools

import numpy as np
import pytest

import tfdgsu

ROWS = [
    ("head", 0.61, 0.004, 64 * 1024),
    ("biases", 0.70, 0.005, 96 * 1024),
    ("dominated", 0.65, None, 128 * 1024),
    ("2%", 0.705, 0.004, 192 * 1024),
    ("all", 0.71, 0.003, 1024 * 1024),
]


def front_by_definition(rows):
    """Rows that no other row beats: as accurate in fewer bytes, or more accurate in as few."""

    def beats(a, b):
        return a is not b and a[1] >= b[1] and a[3] <= b[3] and (a[1] > b[1] or a[3] < b[3])

    kept = [row for row in rows if not any(beats(other, row) for other in rows)]
    return sorted((row[3] / 1024, 100 * row[1]) for row in kept)


def test_points_and_error_bars_are_the_rows(assert_nothing_is_clipped):
    ax = tfdgsu.plots.accuracy_vs_memory(ROWS)
    [container] = ax.containers
    points, _, [bars] = container
    np.testing.assert_allclose(points.get_xdata().astype(float), [row[3] / 1024 for row in ROWS])
    np.testing.assert_allclose(points.get_ydata().astype(float), [100 * row[1] for row in ROWS])
    heights = [segment[1, 1] - segment[0, 1] for segment in bars.get_segments()]
    np.testing.assert_allclose(heights, [200 * (row[2] or 0) for row in ROWS])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("RAM (KiB)", "accuracy (%)", "log")
    assert_nothing_is_clipped(ax.figure)


def test_the_front_is_what_nothing_beats():
    rng = np.random.default_rng(0)
    for _ in range(5):
        rows = [(str(i), a, None, b) for i, (a, b) in enumerate(zip(rng.random(9), rng.integers(1, 9, 9) * 1024))]
        front = next(line for line in tfdgsu.plots.accuracy_vs_memory(rows).lines if line.get_label() == "Pareto front")
        drawn = list(zip(front.get_xdata(), front.get_ydata(), strict=True))
        np.testing.assert_allclose(drawn, front_by_definition(rows))


def test_labels_keep_apart(assert_nothing_is_clipped):
    rows = [(f"a plan with a name, number {i}", 0.7 + 0.004 * (i % 3), 0.003, 100_000 + 9_000 * i) for i in range(6)]
    ax = tfdgsu.plots.accuracy_vs_memory(rows)
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == len(rows)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert_nothing_is_clipped(ax.figure)


def test_draws_into_given_axes(pyplot):
    figure, ax = pyplot.subplots()
    assert tfdgsu.plots.accuracy_vs_memory(iter(ROWS[:1]), ax=ax) is ax
    assert pyplot.get_fignums() == [figure.number]
    assert ax.get_legend() is None


@pytest.mark.parametrize(
    ("rows", "received"),
    [
        ([], "Received: none"),
        ([("a", 0.5, 1)], "Received: ('a', 0.5, 1)"),
        ([("a", 70.0, None, 1024)], "Received: 70.0 in 'a'"),
        ([("a", float("nan"), None, 1024)], "Received: nan in 'a'"),
        ([("a", 0.5, -0.1, 1024)], "Received: -0.1 in 'a'"),
        ([("a", 0.5, None, 0)], "Received: 0 in 'a'"),
    ],
)
def test_wrong_rows_are_refused(rows, received):
    with pytest.raises(ValueError) as error:
        tfdgsu.plots.accuracy_vs_memory(rows)
    assert received in str(error.value)
