# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The tests of the trainer once more, its C and C++ built under ASan and UBSan."""

import os
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent
# gcc warns of conversions in code that its sanitizer adds; test_c_warnings.py looks at the sources as they are.
FLAGS = "-Wno-sign-conversion -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g"


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("TFLM_DIR"), reason="set TFLM_DIR to a tflite-micro tree")
def test_trainer_under_sanitizers():
    # CMake takes them on; the driver's status is not 0 when a sanitizer stops it.
    environment = {**os.environ, "CFLAGS": FLAGS, "CXXFLAGS": FLAGS, "LDFLAGS": FLAGS}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(FOLDER / "test_trainer.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
    if " passed" not in done.stdout:
        pytest.skip(done.stdout.strip().splitlines()[-1])
