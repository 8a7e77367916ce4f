# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every plot: new figures only where asked for, any axes, nothing shown."""

import keras
import pytest
from tiny_bundle import export_tiny

import tfdgsu


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Every public plot with something to draw, by name."""
    inspection = tfdgsu.micro_runtime.inspect_bundle(export_tiny(tmp_path_factory.mktemp("plots") / "tiny.tflite"))
    model = keras.Sequential([keras.Input((6, 6, 8)), keras.layers.Conv2D(4, 3, name="deep")])
    plan = tfdgsu.plan(model, layers={"deep": 3})
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    return {
        "accuracy_vs_memory": lambda **options: tfdgsu.plots.accuracy_vs_memory([("a", 0.5, 0.1, 2048)], **options),
        "arena": lambda **options: tfdgsu.plots.arena(inspection, **options),
        "plan": lambda **options: tfdgsu.plots.plan(plan, **options),
        "visited_channels": lambda **options: tfdgsu.plots.visited_channels(sparse, **options),
    }


@pytest.mark.parametrize("name", tfdgsu.plots.__all__)
def test_makes_one_figure_of_its_own(calls, name, pyplot):
    ax = calls[name]()
    assert pyplot.get_fignums() == [ax.figure.number]
    assert ax.get_xlabel() and ax.figure.axes[0] is ax


@pytest.mark.parametrize("name", tfdgsu.plots.__all__)
def test_draws_into_a_figure_inside_a_figure(calls, name, pyplot):
    figure = pyplot.figure(figsize=(16, 6), layout="constrained")
    ax = figure.subfigures(1, 2)[1].subplots()
    assert calls[name](ax=ax) is ax
    assert pyplot.get_fignums() == [figure.number]
    figure.draw_without_rendering()
