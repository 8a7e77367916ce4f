# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Two logical CPU devices equal one device with the joint batch. In a process of its own: devices are set up first."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json
import keras
import model_zoo
import numpy as np
import tensorflow as tf
import tfdgsu

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

def train(strategy, optimizer, policy):
    with strategy.scope():
        model = model_zoo.depthwise_residual_net()
        plan = tfdgsu.plan(model, layers={"block_2_depthwise": 5, "block_3_expand": 4, "block_3_project": 6})
        sparse = tfdgsu.SparseUpdateModel(model, plan)
        sparse.compile(keras.optimizers.get(optimizer), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = model_zoo.random_batch(model, 32)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    callback = tfdgsu.DynamicSparseCallback(policy, every=3, seed=1)
    history = sparse.fit(dataset, epochs=2, verbose=0, shuffle=False, callbacks=[callback]).history
    return sparse, history

report = []
for optimizer, policy in (
    ({"class_name": "sgd", "config": {"learning_rate": 0.05, "momentum": 0.9}}, "random"),
    ({"class_name": "adam", "config": {"learning_rate": 0.001}}, "gradient"),
):
    two, history_two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), optimizer, policy)
    one, history_one = train(tf.distribute.get_strategy(), optimizer, policy)
    difference = max(
        float(np.abs(a.numpy() - b.numpy()).max()) for a, b in zip(two.model.variables, one.model.variables)
    )
    replicas_differ = any(
        len({part.numpy().tobytes() for part in variable.value.values}) > 1
        for variable in two.variables if hasattr(variable.value, "values")
    )
    report.append({
        "n_replicas": two.distribute_strategy.num_replicas_in_sync,
        "difference": difference,
        "same_channels": policy == "gradient"
        or all((two.channels[n].numpy() == one.channels[n].numpy()).all() for n in one.channels),
        "replicas_differ": replicas_differ,
        "steps": [int(two.step.numpy()), int(one.step.numpy())],
        "losses": [history_two["loss"], history_one["loss"]],
        "policy": policy,
    })
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {entry["policy"]: entry for entry in json.loads(done.stdout.splitlines()[-1])}


def test_two_replicas_equal_the_joint_batch(report):
    entry = report["random"]
    assert entry["n_replicas"] == 2
    assert entry["steps"] == [8, 8]
    assert entry["same_channels"]
    assert entry["difference"] < 1e-4  # Sums of the two halves are rounded apart, over eight steps of momentum.
    two, one = entry["losses"]
    assert two == pytest.approx(one, rel=1e-3)


def test_replicas_stay_equal(report):
    assert not any(entry["replicas_differ"] for entry in report.values())


def test_gradient_policy_trains_on_two_replicas(report):
    assert report["gradient"]["steps"] == [8, 8]
