# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The product's promise: the bundle in TFLM trains step for step as Keras does.

100 single-image steps with the same images in the same order, channels re-drawn along the way.
"""

import model_zoo
import numpy as np
import pytest
import tolerances
from optimizers import make_optimizer, plan_arguments
from tfdgsu.export.schema import read_graph
from tfdgsu.export.weight_layout import to_tflite

import tfdgsu

N_STEPS = 100
EVERY = 7

CASES = {
    "small_conv_net": {"learning_rate": 0.01, "momentum": 0.9, "policy": "random", "update_fraction": 0.3},
    "lars": {
        "model": "depthwise_residual_net",
        "learning_rate": 0.02,
        "momentum": "lars",
        "policy": "random",
        "update_fraction": 0.25,
    },
    "depthwise_residual_net": {"learning_rate": 0.02, "momentum": 0.0, "policy": "cyclic", "update_fraction": 0.25},
    "conv_1d_net": {"learning_rate": 0.01, "momentum": 0.0, "policy": "random", "update_fraction": 0.3},
    "concat_net": {"learning_rate": 0.005, "momentum": 0.5, "policy": "cyclic", "update_fraction": 0.3},
    "nested_model": {"learning_rate": 0.01, "momentum": 0.0, "policy": "static", "update_fraction": 0.3},
    "mobilenet_v2": {"learning_rate": 0.005, "momentum": 0.0, "policy": "random", "update_fraction": 0.02},
}


class Run:
    """One model trained for N_STEPS on both sides."""

    def __init__(self, name, path):
        case = CASES[name]
        self.policy = case["policy"]
        model = model_zoo.build(case.get("model", name))
        momentum = plan_arguments(case["momentum"])
        self.plan = tfdgsu.plan(model, update_fraction=case["update_fraction"], **momentum)
        self.sparse = tfdgsu.SparseUpdateModel(model, self.plan)
        optimizer = make_optimizer(case["learning_rate"], case["momentum"])
        self.sparse.compile(optimizer, loss="sparse_categorical_crossentropy")
        self.callback = tfdgsu.DynamicSparseCallback(policy=case["policy"], every=EVERY, seed=3)
        self.x, self.y = model_zoo.random_batch(model, N_STEPS, seed=5)
        self.path = path
        self.report = tfdgsu.export.export_training_bundle(self.sparse, path, callback=self.callback)
        self.frozen_before = self.frozen_weights()
        self.device = tfdgsu.micro_runtime.Session(path)
        self.start_variables = self.device.variables()
        self.keras_losses = [self._keras_step(i) for i in range(N_STEPS)]
        self.device_losses = [self._device_step(i, case["learning_rate"]) for i in range(N_STEPS)]

    def _keras_step(self, i):
        batch = self.x[i : i + 1], self.y[i : i + 1]
        return self.sparse.fit(*batch, batch_size=1, verbose=0, callbacks=[self.callback]).history["loss"][0]

    def _device_step(self, i, learning_rate):
        return self.device.train(self.x[i], self.y[i], learning_rate=learning_rate)

    def frozen_weights(self):
        updated = {f"{layer.name}/kernel" for layer in self.plan.layers if layer.n_selected}
        updated |= {f"{layer.name}/bias" for layer in self.plan.layers if layer.update_bias}
        return {
            f"{layer.name}/{w.name}": w.numpy().copy()
            for layer in self.sparse.model.layers
            for w in layer.weights
            if f"{layer.name}/{w.name}" not in updated
        }


@pytest.fixture(scope="module", params=list(CASES))
def run(request, tmp_path_factory):
    return Run(request.param, tmp_path_factory.mktemp(request.param) / "model.tflite")


def test_losses_agree_at_every_step(run):
    np.testing.assert_allclose(
        run.device_losses, run.keras_losses, rtol=tolerances.TRAJECTORY_RTOL, atol=tolerances.TRAJECTORY_ATOL
    )


def test_every_updated_weight_agrees(run):
    variables = run.device.variables()
    for update in run.plan.layers:
        layer = run.sparse.model.get_layer(update.name)
        if update.n_selected:
            np.testing.assert_allclose(
                variables[f"{update.name}/kernel"],
                to_tflite(update.kind, layer.kernel.numpy()),
                rtol=tolerances.TRAJECTORY_RTOL,
                atol=tolerances.TRAJECTORY_ATOL,
                err_msg=update.name,
            )
        if update.update_bias:
            np.testing.assert_allclose(
                variables[f"{update.name}/bias"],
                layer.bias.numpy(),
                rtol=tolerances.TRAJECTORY_RTOL,
                atol=tolerances.TRAJECTORY_ATOL,
                err_msg=update.name,
            )


def test_the_rates_of_layers_agree(run):
    states = [state for update in run.plan.layers if (state := run.sparse.layer_rate(update.name))]
    device = run.device.variables().get("layer_rates", np.zeros((0, 2)))
    assert len(device) == len(states)
    for row, state in zip(device, states, strict=True):
        expected = [state.mean_square, state.rate]
        np.testing.assert_allclose(row, expected, rtol=tolerances.TRAJECTORY_RTOL, atol=tolerances.TRAJECTORY_ATOL)
        assert np.all(row > 0)


def test_the_weights_moved(run):
    variables = run.device.variables()
    for update in run.plan.layers:
        role = "kernel" if update.n_selected else "bias"
        name = f"{update.name}/{role}"
        assert np.any(variables[name] != run.start_variables[name]), name


def test_channels_agree_bit_for_bit(run):
    variables = run.device.variables()
    for name, channels in run.sparse.channels.items():
        if f"{name}/channels" in variables:
            np.testing.assert_array_equal(variables[f"{name}/channels"], np.asarray(channels))
    if "step" in variables:
        assert variables["step"][0] == N_STEPS


def test_inference_after_training_agrees(run):
    expected = run.sparse.predict(run.x[:8], verbose=0)
    for image, row in zip(run.x[:8], expected):
        np.testing.assert_allclose(
            run.device.infer(image).reshape(-1),
            row,
            rtol=tolerances.TRAJECTORY_RTOL,
            atol=tolerances.TRAJECTORY_ATOL,
        )


def test_frozen_weights_are_bit_identical(run):
    for name, weight in run.frozen_weights().items():
        np.testing.assert_array_equal(weight, run.frozen_before[name], err_msg=name)


def test_frozen_kernels_in_the_file_are_those_of_keras(run):
    """Constants of the bundle, bit for bit: a frozen layer can't change on a device that reads it from flash."""
    constants = [t.data for t in read_graph(run.path.read_bytes()).tensors() if t.is_constant]
    updated = {layer.name for layer in run.plan.layers if layer.n_selected}
    frozen = [layer for layer in run.sparse.model.layers if hasattr(layer, "kernel") and layer.name not in updated]
    assert frozen
    for layer in frozen:
        kernel = to_tflite(type(layer).__name__, run.frozen_before[f"{layer.name}/kernel"])
        assert any(np.array_equal(constant, kernel) for constant in constants), layer.name


def test_channels_never_drawn_are_bit_identical(run):
    """What no draw selected has its factory value, on the device as in Keras."""
    variables = run.device.variables()
    for update in run.plan.layers:
        if update.is_sparse and run.policy == "static":
            selected = np.asarray(run.sparse.channels[update.name])
            rest = np.setdiff1d(np.arange(update.n_channels), selected)
            now, start = (v[f"{update.name}/kernel"] for v in (variables, run.start_variables))
            if update.kind != "DepthwiseConv2D":
                np.testing.assert_array_equal(now[..., rest], start[..., rest])


def test_predicted_arena_is_measured_byte_for_byte(run):
    measured = run.device.arena_report()
    predicted = run.report.arena
    assert (measured.head_bytes, measured.tail_bytes, measured.total_bytes) == (
        predicted.head_bytes,
        predicted.tail_bytes,
        predicted.total_bytes,
    )


def test_save_reset_restore_round_trip(run, tmp_path):
    trained = run.device.variables()
    run.device.save(tmp_path / "weights.tfdw")
    run.device.reset()
    for name, value in run.device.variables().items():
        np.testing.assert_array_equal(value, run.start_variables[name], err_msg=name)
    run.device.restore(tmp_path / "weights.tfdw")
    for name, value in run.device.variables().items():
        np.testing.assert_array_equal(value, trained[name], err_msg=name)


def test_bundle_has_no_foreign_ops(run):
    graph = read_graph(run.path.read_bytes())
    assert all(op.kind.startswith("Tfdgsu") for op in graph.ops if op.is_custom)
    assert set(graph.signatures) == {"train", "infer", "save", "restore"}
