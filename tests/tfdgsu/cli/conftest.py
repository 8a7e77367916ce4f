# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Files that the commands read: a small model, its plan, its bundle, labelled examples."""

import model_zoo
import numpy as np
import pytest

from tfdgsu.cli.main import run

N_EXAMPLES = 6


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="session")
def model_path(folder):
    path = folder / "model.keras"
    model_zoo.build("small_conv_net").save(path)
    return str(path)


@pytest.fixture(scope="session")
def plan_path(folder, model_path):
    path = str(folder / "plan.json")
    assert run(["plan", model_path, "--update_fraction", "0.3", "--out", path]) == 0
    return path


@pytest.fixture(scope="session")
def bundle_path(folder, model_path, plan_path):
    path = str(folder / "model.tflite")
    flags = ["--policy", "cyclic", "--every", "2", "--seed", "5"]
    assert run(["export", model_path, "--plan", plan_path, "--out", path, *flags]) == 0
    return path


@pytest.fixture(scope="session")
def data_path(folder):
    x, y = model_zoo.random_batch(model_zoo.build("small_conv_net"), 2 * N_EXAMPLES)
    path = str(folder / "data.npz")
    np.savez(path, x=x[:N_EXAMPLES], y=y[:N_EXAMPLES], x_test=x[N_EXAMPLES:], y_test=y[N_EXAMPLES:])
    return path
