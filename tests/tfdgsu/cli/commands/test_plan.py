# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu plan`."""

import pathlib

import keras

import tfdgsu
from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, run


def test_prints_and_writes_the_plan_of_the_library(model_path, tmp_path, capsys):
    path = tmp_path / "plan.json"
    words = ["plan", model_path, "--ram=256KB", "--update_fraction=0.3", "--momentum", "--out", str(path)]
    assert run(words) == EXIT_OK
    printed = capsys.readouterr().out
    model = keras.models.load_model(model_path, compile=False)
    expected = tfdgsu.plan(model, ram="256KB", update_fraction=0.3, momentum=True)
    assert tfdgsu.SparseUpdatePlan.from_json(path.read_text()) == expected
    assert expected.summary() in printed


def test_plans_for_int8(model_path, tmp_path):
    path = tmp_path / "plan.json"
    words = ["plan", model_path, "--quantize=int8", "--rounding=remainder", "--out", str(path)]
    assert run(words) == EXIT_OK
    model = keras.models.load_model(model_path, compile=False)
    expected = tfdgsu.plan(model, quantize="int8", rounding="remainder")
    assert tfdgsu.SparseUpdatePlan.from_json(path.read_text()) == expected


def test_plans_for_lars(model_path, tmp_path):
    path = tmp_path / "plan.json"
    assert run(["plan", model_path, "--optimizer=lars", "--out", str(path)]) == EXIT_OK
    plan = tfdgsu.SparseUpdatePlan.from_json(path.read_text())
    model = keras.models.load_model(model_path, compile=False)
    assert plan == tfdgsu.plan(model, optimizer="lars") and plan.optimizer == "lars"


def test_takes_an_explicit_choice(model_path, tmp_path):
    path = tmp_path / "plan.json"
    assert run(["plan", model_path, "--layers", "conv_2=3,conv_3=0", "--notrain_head", "--out", str(path)]) == EXIT_OK
    plan = tfdgsu.SparseUpdatePlan.from_json(path.read_text())
    assert {layer.name: layer.n_selected for layer in plan.layers} == {"conv_2": 3, "conv_3": 0}


def test_a_budget_that_cannot_be_met_says_what_fits(model_path, tmp_path, capsys):
    path = tmp_path / "plan.json"
    assert run(["plan", model_path, "--ram", "2KB", "--out", str(path)]) == EXIT_REFUSED
    message = capsys.readouterr().err
    assert message.startswith("tfdgsu: ")
    assert "fits" in message
    assert not path.exists()


def test_a_file_that_is_no_model_is_refused(tmp_path, capsys):
    path = tmp_path / "model.keras"
    pathlib.Path(path).write_text("not a model")
    assert run(["plan", str(path)]) == EXIT_REFUSED
    assert "Received:" in capsys.readouterr().err
