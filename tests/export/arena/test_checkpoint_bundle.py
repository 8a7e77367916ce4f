# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The goal: the int8 MobileNetV2 that stock TFLM can't even run in 256 KB trains there."""

import os
import pathlib

import keras
import numpy as np
import pytest
from stock_mobilenet import FILE_NAME
from tfdgsu.export.arena import predict_arena, verify_no_overlap
from tfdgsu.micro_runtime import Session

import tfdgsu

# As in test_stock_mobilenet.py.
DATA = pathlib.Path(os.environ.get("TFDGSU_DATA_DIR", pathlib.Path(__file__).parents[4] / "shared" / "data"))
ARENA_BYTES = 256 * 1024
IMAGE_BYTES = 128 * 128 * 3


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    if not (DATA / f"{FILE_NAME}.npz").exists():
        pytest.skip(f"needs {FILE_NAME}.npz in {DATA}; set TFDGSU_DATA_DIR")
    model, scales = tfdgsu.load_int8_checkpoint(DATA / FILE_NAME, n_classes=10)
    plan = tfdgsu.plan(model, ram=ARENA_BYTES, update_fraction=0.02, quantize="int8")
    sparse = tfdgsu.SparseUpdateModel(model, plan)
    sparse.compile(keras.optimizers.SGD(0.01), loss="sparse_categorical_crossentropy")
    path = tmp_path_factory.mktemp("bundle") / "model.tflite"
    return tfdgsu.export.export_training_bundle(sparse, path, scales=scales)


def test_two_percent_train_in_256_kb(report):
    device = Session(report.path, arena_bytes=ARENA_BYTES)
    measured = device.arena_report()
    assert measured.total_bytes == report.arena.total_bytes <= ARENA_BYTES
    x = np.random.default_rng(0).uniform(-1, 1, (1, 128, 128, 3)).astype(np.float32)
    losses = [device.train(x, np.array([3]), learning_rate=0.01) for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    assert losses[2] < losses[0]


def test_the_image_is_overwritten_while_it_is_read(report):
    """All of the step, the deepest and widest layers too, takes little more than the image."""
    assert report.arena.head_bytes < 1.25 * IMAGE_BYTES
    data = pathlib.Path(report.path).read_bytes()
    verify_no_overlap(predict_arena(data), data)
    with pytest.raises(ValueError, match="'x'"):
        verify_no_overlap(predict_arena(data))
