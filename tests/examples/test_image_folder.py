# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""examples/image_folder.py learns simple pictures within its budget, and refuses what it can't read."""

import pathlib
import sys

import keras
import pytest

import tfdgsu

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import example_scripts

COLOURS = {"blue": (30, 60, 200), "green": (40, 180, 60), "red": (200, 40, 30)}


@pytest.fixture(scope="module")
def example():
    return example_scripts.load("image_folder")


@pytest.mark.slow
def test_pictures_are_learned_within_the_budget(example, tmp_path, capsys):
    example_scripts.write_pictures(tmp_path / "pictures", COLOURS, 30)
    bundle = tmp_path / "pictures.tflite"
    arguments = ["--weights=none", "--ram=224KB", "--size=96", "--epochs=30", f"--out={bundle}"]
    results = example.main([str(tmp_path / "pictures"), *arguments])
    assert results["before"] < 0.6
    assert results["after"] > 0.8
    assert results["after, int8 in TFLM"] > 0.8
    assert "update layers" in capsys.readouterr().out
    inspection = tfdgsu.micro_runtime.inspect_bundle(bundle)
    assert inspection.dtype == "int8"
    assert inspection.measured.total_bytes == inspection.measured.predicted_bytes <= 224 * 1024


def test_a_fifth_of_the_pictures_is_kept(example, tmp_path):
    example_scripts.write_pictures(tmp_path, COLOURS, 5, size=32)
    (x, y), (x_judge, y_judge) = example.read_pictures(tmp_path, 24)
    assert (x.shape, x_judge.shape, len(y), len(y_judge)) == ((12, 24, 24, 3), (3, 24, 24, 3), 12, 3)
    for images, labels in ((x, y), (x_judge, y_judge)):
        assert images.min() >= -1
        assert images.max() <= 1
        blue, green, red = 0, 1, 2  # Alphabetical; of channels, red comes first.
        darkest = {blue: 0, green: 0, red: 1}
        middles = images[:, 11:13, 11:13].mean(axis=(1, 2))
        assert all(middle[darkest[label]] < 0 for middle, label in zip(middles, labels, strict=True))


def test_folders_without_pictures_are_refused(example, tmp_path):
    with pytest.raises(SystemExit, match=r"a folder for each class, two or more. Received: .*nowhere"):
        example.main([str(tmp_path / "nowhere")])
    (tmp_path / "one").mkdir()
    with pytest.raises(SystemExit, match="two or more"):
        example.main([str(tmp_path)])
    (tmp_path / "two").mkdir()
    with pytest.raises(SystemExit, match=r"JPEG, PNG, GIF or BMP files. Received"):
        example.main([str(tmp_path)])


def test_weights_that_cannot_be_had_are_explained(example, tmp_path, monkeypatch):
    def refuse(*arguments, **settings):
        raise Exception("URL fetch failure")  # noqa: TRY002 (as Keras does)

    monkeypatch.setattr(keras.applications, "MobileNetV2", refuse)
    example_scripts.write_pictures(tmp_path, {"blue": (0, 0, 255), "red": (255, 0, 0)}, 5, size=32)
    with pytest.raises(SystemExit, match=r"Received: URL fetch failure. Remedy: try --weights=none"):
        example.main([str(tmp_path)])
