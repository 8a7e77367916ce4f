# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Layers of which only some channels are mutable: the plan, the draws, and what stays bit-identical."""

import json

import keras
import model_zoo
import numpy as np
import pytest

import tfdgsu
from tfdgsu.channel_rng import random_channels
from tfdgsu.update_variables import choose_pool

NAME = "block_3_expand"  # 12 -> 24 channels
CHOICE = {NAME: (2, 5), "block_3_project": 3}


@pytest.fixture
def sparse():
    model = model_zoo.depthwise_residual_net()
    made = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, layers=CHOICE, quantize="int8"))
    made.compile(keras.optimizers.SGD(0.5), loss="sparse_categorical_crossentropy")
    return made


def _fit(sparse, policy, n_steps=12, **options):
    x, y = model_zoo.random_batch(sparse.model, n_steps)
    callback = tfdgsu.DynamicSparseCallback(policy, every=1, seed=3, **options)
    return sparse.fit(x, y, batch_size=1, shuffle=False, verbose=0, callbacks=[callback])


def test_pool_holds_the_channels_with_the_largest_weights():
    kernel = np.zeros((1, 1, 4, 2), np.float32)
    kernel[0, 0, :, 0] = [1, -3, 2, 3]
    assert choose_pool(kernel, 1).tolist() == [1]
    assert choose_pool(kernel, 2).tolist() == [1, 3]
    assert choose_pool(kernel, 3).tolist() == [1, 2, 3]
    assert choose_pool(kernel, 3).dtype == np.int32


def test_plan_counts_the_pool_only():
    model = model_zoo.depthwise_residual_net()
    whole, pool = (
        tfdgsu.plan(model, layers={NAME: channels}, quantize="int8", rounding="remainder") for channels in (2, (2, 5))
    )
    assert whole.cost.mutable_weight_bytes - pool.cost.mutable_weight_bytes == 2 * (12 - 5) * 24
    assert pool.update_fraction == whole.update_fraction
    assert pool.layer(NAME).n_mutable == 5
    assert pool.layer(NAME).has_pool
    assert not whole.layer(NAME).has_pool
    assert tfdgsu.SparseUpdatePlan.from_json(pool.to_json()) == pool
    assert "drawn from a pool of 5" in pool.summary()


def test_layer_of_an_older_plan_has_no_pool():
    plan = tfdgsu.plan(model_zoo.conv_1d_net(), update_fraction=0.2)
    fields = json.loads(plan.to_json())
    for layer in fields["layers"]:
        del layer["n_mutable"]
    assert tfdgsu.SparseUpdatePlan.from_dict(fields) == plan


@pytest.mark.parametrize("policy", ["static", "static_l1", "cyclic", "random", "importance", "gradient"])
def test_only_the_pool_moves(sparse, policy):
    kernel = sparse.model.get_layer(NAME).kernel
    before = kernel.numpy()
    pool = sparse.pools[NAME]
    assert pool.tolist() == choose_pool(before, 5).tolist()
    assert list(sparse.pools) == [NAME]
    history = _fit(sparse, policy)
    moved = np.flatnonzero(np.any(kernel.numpy() != before, axis=(0, 1, 3)))
    assert set(moved) <= set(pool.tolist())
    assert len(moved) == (2 if policy.startswith("static") else 5)
    if policy == "cyclic":
        assert history.history["visited_fraction"][-1] == 1.0


def test_channels_are_positions_in_the_pool(sparse):
    _fit(sparse, "random")
    layer_id = [layer.name for layer in sparse.plan.layers].index(NAME)
    drawn = random_channels(3, layer_id, 11, 5, 2)
    assert sparse.pool_channels(NAME).tolist() == drawn.tolist()
    assert sparse.channels[NAME].numpy().tolist() == sparse.pools[NAME][drawn].tolist()
    assert sparse.pool_channels("block_3_project").tolist() == sparse.channels["block_3_project"].numpy().tolist()


def test_pool_survives_saving_though_weights_have_moved(sparse, tmp_path):
    pool = sparse.pools[NAME].tolist()
    kernel = sparse.model.get_layer(NAME).kernel
    kernel.assign(kernel.numpy()[:, :, ::-1])
    sparse.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.pools[NAME].tolist() == pool
    assert loaded.channels[NAME].numpy().tolist() == sparse.channels[NAME].numpy().tolist()


def test_planner_shrinks_pools_rather_than_give_up_kernels():
    model = model_zoo.depthwise_residual_net()
    arguments = {
        "update_fraction": 0.05,
        "n_layers": 3,
        "quantize": "int8",
        "gain": {NAME: 1.0, "block_3_project": 1.0},
    }
    n_bytes = tfdgsu.plan(model, **arguments).cost.total_bytes - 60
    without, pooled = (tfdgsu.plan(model, ram=n_bytes, pools=pools, **arguments) for pools in (False, True))
    assert pooled.cost.total_bytes <= n_bytes
    assert sum(layer.n_selected > 0 for layer in pooled.layers) > sum(layer.n_selected > 0 for layer in without.layers)
    assert any(layer.has_pool for layer in pooled.layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": {NAME: (2, 5)}}, "Only Conv2D layers of int8 bundles.*quantize=None"),
        ({"layers": {"block_3_depthwise": (2, 5)}, "quantize": "int8"}, "of a DepthwiseConv2D"),
        ({"layers": {NAME: (6, 5)}, "quantize": "int8"}, "between 6 and all 12.*Received"),
        ({"layers": {NAME: (2, 13)}, "quantize": "int8"}, "between 2 and all 12"),
        ({"pools": True}, "Only int8 bundles.*Received: pools=True"),
    ],
)
def test_wrong_pools_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tfdgsu.plan(model_zoo.depthwise_residual_net(), **arguments)


def test_wrong_numbers_are_refused(sparse):
    outside = next(i for i in range(12) if i not in sparse.pools[NAME])
    with pytest.raises(ValueError, match="draws its channels from its pool of 5.*Received"):
        sparse.set_channels({NAME: np.array([outside, sparse.pools[NAME][0]])})
    with pytest.raises(ValueError, match="positions in the pool"):
        _fit(sparse, tfdgsu.policies.StaticPolicy({NAME: np.array([0, 5])}))
    with pytest.raises(ValueError, match="must be 5 ascending channel numbers.*Received"):
        tfdgsu.SparseUpdateModel(sparse.model, sparse.plan, pools={NAME: [4, 3, 2, 1, 0]})
    with pytest.raises(ValueError, match="Only a layer that updates some of its channels"):
        sparse.pool_channels("head")
