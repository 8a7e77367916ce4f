# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a plan promises before conversion, against the arena of the file that is exported."""

import itertools
import os
import pathlib

import keras
import model_zoo
import pytest
import tolerances
from optimizers import make_optimizer, plan_arguments

import tfdgsu


def _peaks(arena):
    """Most bytes alive during forward, and from the loss on."""
    loss = next(i for i, name in enumerate(arena.moments) if name.endswith("Crossentropy"))
    alive = [sum(buffer.n_bytes for buffer in arena.alive_at(moment)) for moment in range(len(arena.moments))]
    return max(alive[:loss]), max(alive[loss:])


@pytest.mark.parametrize(
    ("name", "momentum"),
    [*itertools.product(model_zoo.ALL_MODELS, [0.0, 0.9]), ("depthwise_residual_net", "lars")],
)
def test_plan_predicts_the_exported_arena(tmp_path, name, momentum):
    model = model_zoo.build(name)
    cost = (plan := tfdgsu.plan(model, update_fraction=0.1, **plan_arguments(momentum))).cost
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(make_optimizer(0.1, momentum), loss="sparse_categorical_crossentropy")
    callback = tfdgsu.DynamicSparseCallback("random") if sparse.channels else None
    arena = tfdgsu.export.export_training_bundle(sparse, tmp_path / "model.tflite", callback=callback).arena
    forward, backward = _peaks(arena)
    small = tolerances.PLAN_PEAK_ATOL_BYTES
    assert cost.forward_peak_bytes == pytest.approx(forward, rel=tolerances.PLAN_PEAK_RTOL, abs=small)
    assert cost.backward_peak_bytes == pytest.approx(backward, rel=tolerances.PLAN_PEAK_RTOL, abs=small)
    assert cost.mutable_weight_bytes <= arena.tail_by_kind["variables"] <= cost.mutable_weight_bytes + 16 * 200
    assert cost.total_bytes == pytest.approx(arena.total_bytes, rel=tolerances.PLAN_TOTAL_RTOL)


INT8_MODELS = (
    "small_conv_net",
    "depthwise_residual_net",
    "nested_model",
    "concat_net",
    "mobilenet_v1_net",
    "residual_conv_net",
    "keyword_net",
)


def _export_int8(sparse, path, **source):
    sparse.compile(keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    callback = tfdgsu.DynamicSparseCallback("random") if sparse.channels else None
    export = tfdgsu.export.export_training_bundle
    return export(sparse, path, quantize="int8", ram="8MB", callback=callback, **source).arena


@pytest.mark.parametrize("name", INT8_MODELS)
def test_int8_plan_predicts_the_exported_arena(tmp_path, name):
    model = model_zoo.build(name)
    cost = (plan := tfdgsu.plan(model, update_fraction=0.1, quantize="int8")).cost
    x, _ = model_zoo.random_batch(model, 8)
    arena = _export_int8(tfdgsu.SparseUpdateModel(model, plan), tmp_path / "model.tflite", representative_data=x)
    assert cost.mutable_weight_bytes <= arena.tail_by_kind["variables"] <= cost.mutable_weight_bytes + 16 * 200
    small = (
        2 * tolerances.PLAN_PEAK_ATOL_BYTES
    )  # Gradients that take the place of others, in networks of some kilobytes.
    assert cost.total_bytes == pytest.approx(arena.total_bytes, rel=tolerances.PLAN_TOTAL_RTOL, abs=small)


@pytest.mark.parametrize(
    ("arguments", "rtol"),
    [
        ({"update_fraction": 0.02, "ram": "192KB"}, tolerances.PLAN_INT8_TOTAL_RTOL),
        ({"update_fraction": 0.1}, tolerances.PLAN_INT8_TOTAL_RTOL),
        ({"layers": {}}, tolerances.PLAN_TOTAL_RTOL),
    ],
)
def test_plan_of_an_imagenet_network_predicts_its_arena(tmp_path, arguments, rtol):
    folder = pathlib.Path(os.environ.get("TFDGSU_DATA_DIR", pathlib.Path(__file__).parents[2] / "shared" / "data"))
    path = folder / "mobilenet_v2_w035_imagenet_int8"
    if not path.with_suffix(".npz").exists():
        pytest.skip(f"there is no {path}.npz; set TFDGSU_DATA_DIR")
    model, scales = tfdgsu.load_int8_checkpoint(path, n_classes=10)
    plan = tfdgsu.plan(model, quantize="int8", **arguments)
    arena = _export_int8(tfdgsu.SparseUpdateModel(model, plan), tmp_path / "model.tflite", scales=scales)
    assert plan.cost.total_bytes == pytest.approx(arena.total_bytes, rel=rtol)
    assert plan.ram_bytes is None or arena.total_bytes <= 1.01 * plan.ram_bytes
