# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The plan's bars add up to its cost."""

import math
import sys

import keras
import pytest
from matplotlib.container import BarContainer
from tiny_bundle import export_tiny

import tfdgsu

KIB = 1024


def build():
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu6", name="front"),
            keras.layers.Conv2D(6, 3, padding="same", activation="relu6", name="deep"),
            keras.layers.Conv2D(10, 1, activation="relu6", name="last"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, activation="softmax", name="head"),
        ]
    )


def bars(ax):
    """Bytes by legend entry, and by tick label."""
    by_kind, by_row = {}, {}
    labels = [label.get_text() for label in ax.get_yticklabels()]
    for container in ax.containers:
        assert isinstance(container, BarContainer)
        sizes = [round(bar.get_width() * KIB) for bar in container]
        by_kind[container.get_label()] = sum(sizes)
        for label, size in zip(labels, sizes, strict=True):
            by_row[label] = by_row.get(label, 0) + size
    return by_kind, by_row


@pytest.mark.parametrize("options", [{}, {"momentum": True}, {"quantize": "int8"}], ids=["float32", "momentum", "int8"])
def test_bars_are_the_cost(options, assert_nothing_is_clipped):
    layers = {"deep": 3, "last": 6, "head": 10}
    plan = tfdgsu.plan(build(), layers=layers, ram="256KB", **options)
    ax = tfdgsu.plots.plan(plan)
    by_kind, by_row = bars(ax)
    assert by_kind == {
        "mutable weights": plan.cost.mutable_weight_bytes,
        "activations kept for backward": plan.cost.kept_activation_bytes,
        "ReLU masks": plan.cost.relu_mask_bytes,
    }
    assert list(by_row)[:3] == ["deep", "last", "head"]
    assert "front" not in by_row
    assert_nothing_is_clipped(ax.figure)


def test_a_layers_bar_is_its_own_bytes():
    """Counted here: float32 kernel and bias, the numbers and the values of 3 channels, one bit an activation."""
    plan = tfdgsu.plan(build(), layers={"deep": 3})
    expected = 4 * math.prod((3, 3, 8, 6)) + 4 * 6 + 4 * 3 + 4 * 12 * 12 * 3 + 12 * 12 * 6 // 8
    assert bars(tfdgsu.plots.plan(plan))[1]["deep"] == expected


def test_texts_say_what_is_updated():
    plan = tfdgsu.plan(build(), layers={"deep": 3, "last": 0, "head": 10}, ram="256KB")
    ax = tfdgsu.plots.plan(plan)
    texts = [text.get_text() for text in ax.texts]
    assert [text.partition("bytes, ")[2] for text in texts[:3]] == [
        "3/8 channels + bias",
        "bias only",
        "all 10 channels + bias",
    ]
    assert f"{plan.cost.total_bytes / KIB:,.1f} of 256.0 KiB" in ax.get_title(loc="left")
    assert ax.get_xlabel() == "RAM (KiB)"


def test_draws_into_given_axes(pyplot):
    figure = pyplot.figure()
    ax = figure.add_subplot(1, 2, 2)
    model = build()
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers={"head": 10}))
    assert tfdgsu.plots.plan(sparse, ax=ax) is ax
    assert pyplot.get_fignums() == [figure.number]


def test_a_plan_out_of_a_bundle_is_refused(tmp_path):
    inspection = tfdgsu.micro_runtime.inspect_bundle(export_tiny(tmp_path / "tiny.tflite"))
    with pytest.raises(ValueError, match="holds sums only"):
        tfdgsu.plots.plan(inspection)
    with pytest.raises(TypeError, match="Received: 3"):
        tfdgsu.plots.plan(3)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"need matplotlib. Received: .* pip install 'tfdgsu\[plots\]'"):
        tfdgsu.plots.plan(tfdgsu.plan(build(), layers={"head": 10}))
