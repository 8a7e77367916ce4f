# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a plan promises before conversion, against the arena of the file that is exported."""

import keras
import model_zoo
import pytest
import tolerances

import tfdgsu


def _peaks(arena):
    """Most bytes alive during forward, and from the loss on."""
    loss = next(i for i, name in enumerate(arena.moments) if name.endswith("Crossentropy"))
    alive = [sum(buffer.n_bytes for buffer in arena.alive_at(moment)) for moment in range(len(arena.moments))]
    return max(alive[:loss]), max(alive[loss:])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("name", model_zoo.ALL_MODELS)
def test_plan_predicts_the_exported_arena(tmp_path, name, momentum):
    model = model_zoo.build(name)
    cost = (plan := tfdgsu.plan(model, update_fraction=0.1, momentum=momentum > 0)).cost
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(0.1, momentum=momentum), loss="sparse_categorical_crossentropy")
    callback = tfdgsu.DynamicSparseCallback("random") if sparse.channels else None
    arena = tfdgsu.export.export_training_bundle(sparse, tmp_path / "model.tflite", callback=callback).arena
    forward, backward = _peaks(arena)
    small = tolerances.PLAN_PEAK_ATOL_BYTES
    assert cost.forward_peak_bytes == pytest.approx(forward, rel=tolerances.PLAN_PEAK_RTOL, abs=small)
    assert cost.backward_peak_bytes == pytest.approx(backward, rel=tolerances.PLAN_PEAK_RTOL, abs=small)
    assert cost.mutable_weight_bytes <= arena.tail_by_kind["variables"] <= cost.mutable_weight_bytes + 16 * 200
    assert cost.total_bytes == pytest.approx(arena.total_bytes, rel=tolerances.PLAN_TOTAL_RTOL)
