# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""No corrupted file crashes the process: it gives a clean Python error, or it is harmless."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from tiny_bundle import export_tiny

TESTS = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module", params=["float32", "int8"])
def any_bundle_path(request, bundle_path, tmp_path_factory):
    if request.param == "float32":
        return bundle_path
    return export_tiny(tmp_path_factory.mktemp("int8") / "tiny_int8.tflite", quantize="int8")


def open_corrupted(bundle_path, tmp_path, mode, count, seed):
    """Counts of refused and loaded files; fails if the process died."""
    progress = tmp_path / "progress"
    copy = tmp_path / "bundle.tflite"
    copy.write_bytes(bundle_path.read_bytes())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    command = [sys.executable, str(TESTS / "corrupt_bundles.py"), str(copy), str(count), str(seed), mode, str(progress)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    assert result.returncode == 0, f"{progress.read_text()}: status {result.returncode}\n{result.stderr[-2000:]}"
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.slow
def test_ten_thousand_damaged_files_give_ten_thousand_clean_errors(any_bundle_path, tmp_path):
    assert open_corrupted(any_bundle_path, tmp_path, "damaged", 10_000, seed=1) == {"refused": 10_000, "loaded": 0}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_corruption_behind_a_right_checksum_never_crashes(any_bundle_path, tmp_path, seed):
    counts = open_corrupted(any_bundle_path, tmp_path, "resealed", 2_000, seed)
    # Most of the file is weights, of which any value is a value: those load.
    assert counts["refused"] > 300 and counts["loaded"] > 300
