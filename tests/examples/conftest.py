# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The quickstart's bundles and digits, made once, without its long fine-tuning."""

import contextlib
import pathlib
import sys

import pytest

from tfdgsu import plan
from tfdgsu.cli.quickstart import digits, experiment, fine_tuning, network

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("int8", "float32")


@pytest.fixture(scope="session")
def modules():
    """Lets tests import the modules of benchmarks and examples."""
    folders = [str(ROOT / "benchmarks"), str(ROOT / "examples" / "cortex_m")]
    sys.path[:0] = folders
    yield
    for folder in folders:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


@pytest.fixture(scope="session")
def digit_images():
    return digits.load()


@pytest.fixture(scope="session")
def digit_bundles(digit_images, tmp_path_factory):
    """Paths by kind of number."""
    from tfdgsu.export import export_training_bundle

    folder = tmp_path_factory.mktemp("digits")
    model = network.build()
    network.pretrain(model, digit_images.pretrain, lambda: None)
    update_plan = plan(model, ram=experiment.RAM, update_fraction=experiment.UPDATE_FRACTION, momentum=True)
    sparse, redraw = fine_tuning.prepare(model, update_plan)
    settings = {"int8": {"quantize": "int8", "representative_data": digit_images.fine_tune.x}, "float32": {}}
    for kind in KINDS:
        export_training_bundle(sparse, folder / f"{kind}.tflite", callback=redraw, **settings[kind])
    return {kind: folder / f"{kind}.tflite" for kind in KINDS}
