# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu study`."""

import keras
import numpy as np
import pytest
from keras import layers

import tfdgsu
from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, EXIT_USAGE, run
from tfdgsu.study import read_records

SIZE = 8


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="stem")(image)
    x = layers.Conv2D(8, 1, activation="relu", name="one")(x)
    x = layers.Conv2D(8, 1, activation="relu", name="two")(x)
    x = layers.GlobalAveragePooling2D()(x)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    keras.Model(image, layers.Dense(2, activation="softmax", name="head")(x)).save(path)
    return str(path)


@pytest.fixture(scope="module")
def image_folder(tmp_path_factory):
    """Dark and light images, sorted into folders."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name, base in (("dark", 20), ("light", 200)):
        (folder / name).mkdir()
        for i in range(20):
            pixels = base + rng.integers(0, 40, (SIZE + 2, SIZE, 3))
            keras.utils.save_img(folder / name / f"{i}.png", pixels, scale=False)
    return str(folder)


def test_compares_recipes_on_a_folder_of_images(model_path, image_folder, tmp_path, capsys):
    out = tmp_path / "runs.jsonl"
    words = [
        "study",
        "--model",
        model_path,
        "--data",
        image_folder,
        "--value_range=-1,1",
        "--epochs=4",
        "--batch_size=4",
    ]
    words += ["--update_fraction=0.2", "--every=2", "--recipes=head,bias,dynamic", "--seeds=0,1", "--out", str(out)]
    assert run(words) == EXIT_OK
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [cells[0] for cells in lines] == ["| recipe", "| head", "| bias", "| dynamic"]
    records = read_records(out)
    assert [(record["recipe"]["name"], record["recipe"]["seed"]) for record in records] == [
        (name, seed) for name in ("head", "bias", "dynamic") for seed in (0, 1)
    ]
    # Light or dark is easy, 8 of 40 images are held out.
    assert all(record["history"][-1]["held_out"] == 1.0 for record in records[4:])
    assert {record["n_images"] for record in records} == {32}
    # Few steps leave most of the run to the learning rate's fall.
    recipe = records[0]["recipe"]
    assert recipe["warm_up_steps"] == 32 // recipe["batch_size"] * recipe["epochs"] // 10


@pytest.mark.parametrize("fraction", [0.02, 0.5])
def test_update_layers_are_those_of_the_plan(model_path, image_folder, tmp_path, fraction):
    plan = tfdgsu.plan(keras.saving.load_model(model_path), update_fraction=fraction)
    chosen = [layer.name for layer in plan.layers if layer.name != "head"]
    assert any(not layer.is_sparse for layer in plan.layers if layer.name != "head")
    out = tmp_path / "runs.jsonl"
    words = ["study", "--model", model_path, "--data", image_folder, f"--update_fraction={fraction}", "--epochs=1"]
    assert run([*words, "--recipes=bias", "--batch_size=16", "--out", str(out)]) == EXIT_OK
    (record,) = read_records(out)
    assert list(record["recipe"]["layers"]) == chosen


def test_reads_arrays_with_test_data_of_their_own(model_path, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.random((24, SIZE, SIZE, 3), np.float32), rng.integers(0, 2, 24)
    np.savez(tmp_path / "data.npz", x=x[:16], y=y[:16], x_test=x[16:], y_test=y[16:])
    out = tmp_path / "runs.jsonl"
    words = ["study", "--model", model_path, "--data", str(tmp_path / "data.npz"), "--epochs=1", "--batch_size=4"]
    assert (
        run([*words, "--recipes=static_l1", "--layers=one,two", "--update_fraction=0.2", "--out", str(out)]) == EXIT_OK
    )
    (record,) = read_records(out)
    assert record["n_images"] == 16 and record["recipe"]["policy"] == "static_l1"
    np.savez(tmp_path / "data.npz", x=x, y=y + 1)
    assert run([*words, "--out", str(tmp_path / "none.jsonl")]) == EXIT_REFUSED
    assert not (tmp_path / "none.jsonl").exists()


def test_wrong_usage(model_path, tmp_path, capsys):
    assert run(["study", "--model", model_path]) == EXIT_USAGE
    assert run(["study", "--model", model_path, "--data", str(tmp_path), "--recipes=magic"]) == EXIT_USAGE
    assert "Received: magic" in capsys.readouterr().err
    for value_range in ("1", "0,1,2", "black,white"):
        words = ["study", "--model", model_path, "--data", str(tmp_path), f"--value_range={value_range}"]
        assert run(words) == EXIT_USAGE
        assert f"takes two numbers. Received: {value_range}" in capsys.readouterr().err
    assert run(["study", "--model", model_path, "--data", str(tmp_path)]) == EXIT_REFUSED
    assert "one folder for each class" in capsys.readouterr().err
