# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`load_checkpoint(model, path)` finds out by itself which bundle a checkpoint belongs to."""

import keras
import model_zoo
import numpy as np
import pytest
from checkpoint_models import assert_unchanged, make_pooled, make_sparse, train, weights_of
from tfdgsu.micro_runtime import Session, WeightsFileError

import tfdgsu

# Model, its policy and momentum, and how it is exported.
CASES = {
    "float32": (lambda: make_sparse("small_conv_net", "random", 0.9), {}),
    "channels that stay": (lambda: make_sparse("concat_net", "static", 0.9), {}),
    "int8 remainder": (
        lambda: make_sparse("residual_conv_net", "cyclic", 0.5, quantize="int8"),
        {"rounding": "remainder"},
    ),
    "int8 pools": (
        lambda: (make_pooled(), tfdgsu.DynamicSparseCallback("random", every=2)),
        {"rounding": "stochastic"},
    ),
}


def export_and_train(folder, make, how):
    """The exported model, one made anew in the same way, bundle, checkpoint."""
    (sparse, callback), (fresh, _) = make(), make()
    x, y = model_zoo.random_batch(sparse.model, 16, seed=4)
    if sparse.plan.quantize:
        how = {**how, "representative_data": x}
    bundle, path = folder / "bundle" / "model.tflite", folder / "checkpoint" / "w.tfdw"
    bundle.parent.mkdir()
    path.parent.mkdir()
    tfdgsu.export.export_training_bundle(sparse, bundle, callback=callback, **how)
    device = Session(bundle)
    train(device, x, y, 0.02)
    device.save(path)
    return sparse, fresh, bundle, path


def state_of(model):
    """Everything that a checkpoint sets."""
    layers = model.plan.layers
    velocities = {(u.name, role): model.velocity(u.name, role) for u in layers for role in ("kernel", "bias")}
    state = weights_of(model) | {str(k): v.numpy() for k, v in velocities.items() if v is not None}
    return state | {"step": model.step.numpy(), "schedule": np.array(str(vars(model.schedule)))}


def assert_same_state(actual, expected):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_exported_model_needs_no_bundle(case, tmp_path):
    sparse, fresh, bundle, path = export_and_train(tmp_path, *CASES[case])
    tfdgsu.load_checkpoint(fresh, path, bundle=bundle)
    sparse.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    bundle.unlink()
    expected = state_of(fresh)
    for model in (sparse, loaded):
        before = state_of(model)
        tfdgsu.load_checkpoint(model, path)
        after = state_of(model)
        assert any((before[name] != after[name]).any() for name in before)
        # Variables of a model that is built twice have paths of their own, but the same order.
        assert_same_state(dict(zip(expected, after.values(), strict=True)), expected)


def test_each_checkpoint_finds_its_own_bundle(tmp_path):
    sparse, callback = make_sparse("small_conv_net", "random", 0.9)
    x, y = model_zoo.random_batch(sparse.model, 6, seed=4)
    kernels = {}
    for seed in (1, 2):
        bundle = tmp_path / f"{seed}.tflite"
        tfdgsu.export.export_training_bundle(sparse, bundle, callback=callback, preprocessing={"seed": seed})
        device = Session(bundle)
        train(device, x[:seed], y[:seed], 0.05)
        device.save(tmp_path / f"{seed}.tfdw")
        kernels[seed] = device.variables()["conv_2/bias"]
    assert len(sparse.exported_bundles) == 2
    for seed in (1, 2):
        tfdgsu.load_checkpoint(sparse, tmp_path / f"{seed}.tfdw")
        np.testing.assert_array_equal(sparse.model.get_layer("conv_2").bias.numpy(), kernels[seed])
    assert (kernels[1] != kernels[2]).any()


def test_bundle_in_the_folder_of_the_checkpoint_is_found(tmp_path):
    _, fresh, bundle, path = export_and_train(tmp_path, *CASES["float32"])
    data = bundle.read_bytes()
    bundle.unlink()
    before = weights_of(fresh)
    (path.parent / "a.tflite").write_bytes(b"no bundle")
    (path.parent / "b.tflite").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (path.parent / "c.tflite").mkdir()
    with pytest.raises(WeightsFileError, match="Received: a checkpoint of a bundle of .* Remedy: pass bundle="):
        tfdgsu.load_checkpoint(fresh, path)
    assert_unchanged(fresh, before)
    (path.parent / "d.tflite").write_bytes(data)
    tfdgsu.load_checkpoint(fresh, path)
    after = weights_of(fresh)
    assert any((before[name] != after[name]).any() for name in before)


@pytest.mark.parametrize("attribute", ["kernel", "bias"])
def test_frozen_weights_that_changed_since_the_export_are_refused(tmp_path, attribute):
    sparse, _, _, path = export_and_train(tmp_path, *CASES["float32"])
    updated = {update.name for update in sparse.plan.layers}
    layers = [layer for layer in sparse.model.layers if layer.name not in updated]
    frozen = next(getattr(layer, attribute) for layer in layers if getattr(layer, attribute, None) is not None)
    values = frozen.numpy()
    values.flat[0] += 1
    frozen.assign(values)
    before = weights_of(sparse)
    with pytest.raises(ValueError, match="frozen weights that changed since this model was exported"):
        tfdgsu.load_checkpoint(sparse, path)
    assert_unchanged(sparse, before)


def test_damaged_checkpoint_is_named_before_its_bundle_is_looked_for(tmp_path):
    sparse, _, _, path = export_and_train(tmp_path, *CASES["float32"])
    data = bytearray(path.read_bytes())
    data[20] ^= 1  # of the bundle's CRC-32
    path.write_bytes(data)
    with pytest.raises(WeightsFileError, match="It is damaged"):
        tfdgsu.load_checkpoint(sparse, path)
