# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The study's benchmark: its views and recipes, its page, and a quick version of it on the real data."""

import dataclasses
import importlib
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_checkpoint

import tfdgsu
from tfdgsu.study import read_records, rows_of

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
DATA = os.environ.get("TFDGSU_DATA_DIR")


@pytest.fixture
def recipes(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("cifar10_recipes").ROWS


def _run(*words):
    environment = {**os.environ, "PYTHONPATH": str(FOLDER), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(FOLDER / "cifar10.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_names_its_recipes_and_refuses_others(recipes):
    listed = _run("--rows")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(recipes)
    refused = _run("--row=magic")
    assert refused.returncode != 0 and "Received: magic" in refused.stdout + refused.stderr


def test_the_page_says_what_the_stored_runs_say(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    page, generated_parts = (importlib.import_module(name) for name in ("accuracy_page", "generated_parts"))
    parts = page.parts(read_records(FOLDER / "results" / "cifar10.jsonl"))
    assert parts.keys() == {"test", "validation", "device"}
    assert generated_parts.outdated(page.PAGE, page.SOURCE, parts) == [], "run python benchmarks/cifar10.py --write"


def test_the_page_says_how_to_repeat_a_run_that_is_no_row(monkeypatch, recipes):
    monkeypatch.syspath_prepend(str(FOLDER))
    page = importlib.import_module("accuracy_page")
    changed = dataclasses.replace(
        recipes["dynamic_2"], name="dynamic_2_x", layers=("a", "b"), every=7, epochs=3, seed=1
    )
    memory = {name: {"kept_bytes": 1, "share_of_dense": 0.5} for name in ("int8", "float32")}
    history = [{"epoch": 1, "seconds": 1.0, "images_per_second": 9.0, "test": 0.5}]
    record = {"n_images": 4, "update_fraction": 0.02, "visited_weights": 1, "memory": memory, "history": history}
    texts = [
        page.parts([{**record, "recipe": dataclasses.asdict(recipe)}])["test"]
        for recipe in (recipes["dynamic_2"], changed)
    ]
    assert "`--row" not in texts[0]
    # sqrt(0.5 * 0.5 / 10,000)
    assert "Of a row with one seed the standard error is up to 0.50 points" in texts[0]
    assert "- `dynamic_2_x`: `--row=dynamic_2 --layers=a,b --every=7 --epochs=3`\n" in texts[1]


def _write_images(path, images):
    files = [tf.io.encode_jpeg(image, quality=95).numpy() for image in images.images]
    offsets = np.cumsum([0, *map(len, files)])
    np.savez(
        path, jpeg=np.frombuffer(b"".join(files), np.uint8), offsets=offsets, labels=images.labels.astype(np.uint8)
    )


@pytest.fixture
def small_data(monkeypatch, tmp_path):
    """A folder with a small checkpoint that takes images of 128x128, and images whose colours are their classes."""
    monkeypatch.syspath_prepend(str(FOLDER))
    cifar10_images = importlib.import_module("cifar10_images")
    folder = tmp_path / "data"
    folder.mkdir()
    document, arrays = tiny_checkpoint.make()
    document["input"]["shape"] = [1, 128, 128, 3]
    written = tiny_checkpoint.save(folder, document, arrays)
    for ending in (".json", ".npz"):
        os.rename(f"{written}{ending}", folder / f"mobilenet_v2_w035_imagenet_int8{ending}")
    for name, n, seed in (("train", 320, 0), ("test", 100, 1)):
        _write_images(folder / cifar10_images.FILE_NAMES[name], cifar10_images.synthetic(n, seed))
    return folder


def test_a_run_is_stored_and_goes_on(small_data, tmp_path):
    out = tmp_path / "results" / "runs.jsonl"
    words = [f"--data_dir={small_data}", f"--state_dir={tmp_path}", f"--output={out}", "--row=dynamic_2", "--every=2"]
    words += ["--layers=expand,project", "--update_fraction=0.3", "--n_views=2", "--warm_up_steps=1", "--epochs=3"]
    done = _run(*words, "--n_threads=1")
    assert done.returncode == 0, done.stderr[-3000:]
    (record,) = read_records(out)
    assert (record["n_images"], len(record["history"]), record["recipe"]["every"]) == (320, 3, 2)
    assert f"{100 * record['history'][-1]['test']:.2f}" in done.stdout
    # Nothing is left to train: the same run again is its stored end.
    again = _run(*words)
    assert read_records(out) == [record] and "epoch" not in again.stdout.replace("epochs", "")


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="TFDGSU_DATA_DIR names no folder with checkpoint and images.")
def test_a_quick_version_of_the_study(tmp_path, recipes):
    """On 2,000 images: 2% learn more than the head alone, within 2% of the weights and little memory."""
    out = tmp_path / "runs.jsonl"
    for row in ("head", "dynamic_2"):
        done = _run(
            *(f"--row={row}", "--n_images=2000", "--epochs=4", "--n_views=2", "--warm_up_steps=10", "--every=20"),
            *("--evaluate_on=validation", f"--state_dir={tmp_path}", f"--output={out}"),
        )
        assert done.returncode == 0, done.stderr[-3000:]
    head, dynamic = read_records(out)
    assert head["update_fraction"] == 0 and 0.015 < dynamic["update_fraction"] <= 0.02
    assert dynamic["memory"]["int8"]["share_of_dense"] < 0.05
    assert len(recipes["dynamic_2"].plan(_model()).layers) == 11
    assert dynamic["history"][-1]["validation"] > head["history"][-1]["validation"] > 0.4
    # A channel of 24 at least, drawn anew: more is visited than updated in a step.
    n_conv_weights = recipes["dynamic_2"].plan(_model()).n_conv_weights
    assert dynamic["visited_weights"] > 2 * dynamic["update_fraction"] * n_conv_weights


def _model():
    return tfdgsu.load_int8_checkpoint(pathlib.Path(DATA) / "mobilenet_v2_w035_imagenet_int8", n_classes=10)[0]


def test_the_model_that_is_downloaded_has_the_same_shape(monkeypatch, recipes):
    """Its names fit the recipes, and a step updates what the page says it does."""
    monkeypatch.syspath_prepend(str(FOLDER))
    cifar10_model = importlib.import_module("cifar10_model")
    model = cifar10_model.load(None, weights=None)
    assert model.output_shape == (None, 10)
    stored = {row.recipe.name: row for row in rows_of(read_records(FOLDER / "results" / "cifar10.jsonl"), "test")}
    for name, recipe in recipes.items():
        plan = recipe.plan(model)
        if name in stored:
            assert plan.update_fraction == pytest.approx(stored[name].updated_fraction), name
        if recipe.update == "sparse":
            assert {layer.name for layer in plan.layers} == {*(f"b{i}_expand" for i in range(7, 17)), "head"}


def test_the_model_that_is_downloaded_computes_what_keras_does(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    cifar10_model = importlib.import_module("cifar10_model")
    made = []
    application = keras.applications.MobileNetV2
    monkeypatch.setattr(
        keras.applications, "MobileNetV2", lambda *args, **kwargs: made.append(application(*args, **kwargs)) or made[0]
    )
    model = cifar10_model.load(None, weights=None)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 128, 128, 3)).astype(np.float32)
    features = keras.Model(model.input, model.get_layer("pool").output)(x)
    expected = keras.Model(made[0].input, made[0].get_layer("block_16_project_BN").output)(x)
    np.testing.assert_allclose(features, np.mean(expected, axis=(1, 2)), rtol=1e-5, atol=1e-6)


def test_views_mirror_and_move_and_the_first_does_neither(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    cifar10_images = importlib.import_module("cifar10_images")
    view = importlib.import_module("cifar10_views").view
    np.testing.assert_array_equal(view(images, 0), cifar10_images.resized(images, 128))
    np.testing.assert_array_equal(view(images, 1), cifar10_images.resized(images[:, :, ::-1], 128))
    # View 2 shows what lies 2 rows lower and 2 columns to the left; far from the border the rest is the same.
    np.testing.assert_allclose(view(images, 2)[:, 16:112, 16:112], view(images, 0)[:, 24:120, 8:104], atol=1e-6)


def test_random_views_are_drawn_from_image_and_number_alone(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    views = importlib.import_module("cifar10_views")
    first, other = views.view(images, views.N_SHIFTED), views.view(images, views.N_SHIFTED + 2)
    assert first.shape == (3, 128, 128, 3) and first.dtype == np.float32
    assert first.min() >= -1 and first.max() <= 1
    # Alone as among others, so that features may be computed in chunks of any size.
    np.testing.assert_array_equal(views.view(images[1:2], views.N_SHIFTED)[0], first[1])
    assert np.abs(first - other).mean() > 0.05


def test_a_random_view_of_a_flat_image_is_flat_and_brightness_moves_it(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    views = importlib.import_module("cifar10_views")
    images = np.full((1, 32, 32, 3), 100, np.uint8)
    shown = [views.view(images, number) for number in range(views.N_SHIFTED, views.N_SHIFTED + 40)]
    levels = np.array([(image.mean() + 1) * 127.5 for image in shown])
    assert all(np.ptp(image) < 1e-5 for image in shown)
    assert 100 * (1 - views.COLOURS) <= levels.min() < 90 and 110 < levels.max() <= 100 * (1 + views.COLOURS)


def test_a_random_view_shows_a_part_of_the_image_or_its_border(monkeypatch):
    """On a ramp, crops are between the least and the largest share of its width, mirrored in every other view."""
    monkeypatch.syspath_prepend(str(FOLDER))
    views = importlib.import_module("cifar10_views")
    monkeypatch.setattr(views, "COLOURS", 0.0)
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, np.newaxis] * 8, (1, 32, 32, 3)).copy()
    for number in range(views.N_SHIFTED, views.N_SHIFTED + 20):
        # What rises to the right, in pixels of the image.
        row = (views.view(ramp, number)[0, 64, :, 0] + 1) * 127.5 / 8
        steps = np.diff(row)[40:88]  # Far from the reflected border.
        share = np.abs(np.median(steps)) * 127 / 32
        assert views.CROPS[0] / views.STRETCH * 0.95 <= share <= views.CROPS[1] * views.STRETCH * 1.05
        assert (np.median(steps) < 0) == bool(number % 2)
