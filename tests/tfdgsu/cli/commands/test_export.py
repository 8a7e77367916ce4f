# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu export`."""

import keras
from tfdgsu.micro_runtime.bundle import read_bundle

import tfdgsu
from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, EXIT_USAGE, run


def test_flags_reach_the_bundle(model_path, plan_path, tmp_path, capsys):
    path, array = tmp_path / "out.tflite", tmp_path / "out.c"
    flags = [
        "--momentum",
        "0.9",
        "--nesterov",
        "--policy",
        "random",
        "--every",
        "7",
        "--seed",
        "9",
        "--batch_size",
        "2",
    ]
    words = ["export", model_path, "--plan", plan_path, "--out", str(path), "--c_array", str(array), *flags]
    assert run(words) == EXIT_OK
    document = read_bundle(path).document
    assert document["optimizer"] == {"momentum": 0.9, "nesterov": True}
    assert document["schedule"] == {"policy": "random", "every": 7, "seed": 9}
    assert document["loss"] == {"name": "sparse_categorical_crossentropy", "from_logits": False}
    assert document["batch_size"] == 2
    assert "Arena on x86-64" in capsys.readouterr().out
    assert array.exists()


def test_lars_reaches_the_bundle(model_path, plan_path, tmp_path, capsys):
    path = tmp_path / "out.tflite"
    words = ["export", model_path, "--plan", plan_path, "--out", str(path), "--trust_coefficient", "0.5"]
    assert run([*words, "--optimizer", "lars", "--momentum", "0.75"]) == EXIT_OK
    document = read_bundle(path).document
    expected = {"name": "LARS", "momentum": 0.75, "nesterov": False, "trust_coefficient": 0.5, "beta": 0.99}
    assert document["optimizer"] == expected
    assert [v["name"] for v in document["variables"] if v["role"] == "layer_rates"] == ["layer_rates"]
    assert run(["inspect", str(path)]) == EXIT_OK
    assert "LARS, momentum 0.75, trust coefficient 0.5, beta 0.99" in capsys.readouterr().out
    assert run(words) == EXIT_USAGE
    assert run([*words, "--optimizer", "lars", "--nesterov"]) == EXIT_USAGE
    assert capsys.readouterr().err.count("Leave it out") == 2


def test_every_loss_is_exported(model_path, plan_path, tmp_path):
    for loss in ("categorical_crossentropy", "binary_crossentropy", "mean_squared_error"):
        path = tmp_path / f"{loss}.tflite"
        assert run(["export", model_path, "--plan", plan_path, "--loss", loss, "--out", str(path)]) == EXIT_OK
        assert read_bundle(path).document["loss"]["name"] == loss


def test_a_sparse_update_model_brings_its_own_settings(model_path, tmp_path, capsys):
    model = keras.models.load_model(model_path, compile=False)
    sparse = tfdgsu.SparseUpdateModel(model, tfdgsu.plan(model, update_fraction=0.3))
    sparse.compile(keras.optimizers.SGD(0.01, momentum=0.5), loss="mean_squared_error")
    path, out = tmp_path / "sparse.keras", tmp_path / "out.tflite"
    sparse.save(path)
    assert run(["export", str(path), "--out", str(out)]) == EXIT_OK
    assert read_bundle(out).document["optimizer"]["momentum"] == 0.5
    assert run(["export", str(path), "--out", str(out), "--momentum", "0.9"]) == EXIT_USAGE
    assert "--momentum" in capsys.readouterr().err


def test_inference_writes_a_smaller_file_without_a_plan(model_path, bundle_path, tmp_path):
    path = tmp_path / "infer.tflite"
    assert run(["export", model_path, "--inference", "--out", str(path)]) == EXIT_OK
    assert path.stat().st_size < read_bundle(bundle_path).header.file_bytes


def test_refusals_write_nothing(model_path, plan_path, tmp_path, capsys):
    path, broken = tmp_path / "out.tflite", tmp_path / "plan.json"
    broken.write_text("{}")
    assert run(["export", model_path, "--plan", plan_path, "--ram", "1KB", "--out", str(path)]) == EXIT_REFUSED
    assert "budget is 1,024" in capsys.readouterr().err
    assert run(["export", model_path, "--plan", str(broken), "--out", str(path)]) == EXIT_REFUSED
    assert "tfdgsu plan --out" in capsys.readouterr().err
    assert run(["export", model_path, "--out", str(path)]) == EXIT_USAGE
    assert not path.exists()


def test_int8_flags_reach_the_bundle(model_path, plan_path, data_path, tmp_path, capsys):
    path = tmp_path / "int8.tflite"
    words = ["export", model_path, "--plan", plan_path, "--out", str(path), "--quantize", "int8"]
    assert run(words) == EXIT_REFUSED
    assert "representative_data" in capsys.readouterr().err
    assert run([*words, "--representative_data", data_path, "--rounding", "remainder"]) == EXIT_OK
    bundle = read_bundle(path)
    assert bundle.document["rounding"] == "remainder"
    assert bundle.inputs["x"].dtype == "int8"


def test_inference_in_int8(model_path, data_path, tmp_path, capsys):
    words = ["export", model_path, "--inference", "--quantize", "int8", "--representative_data", data_path]
    path = tmp_path / "infer.tflite"
    assert run([*words, "--out", str(path)]) == EXIT_OK
    assert path.exists()
    assert run([*words, "--out", str(tmp_path / "other.tflite"), "--rounding", "nearest"]) == EXIT_USAGE
    assert "--rounding" in capsys.readouterr().err
