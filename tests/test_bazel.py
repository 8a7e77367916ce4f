# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The BUILD files build, without network, on a machine that has Bazel."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bazel") is None, reason="bazel is not on PATH (Debian: package bazel-bootstrap)")
def test_bazel_builds_the_host_plugin(tmp_path):
    environment = {**os.environ, "PYTHON": sys.executable}
    command = [ROOT / ".ci" / "bazel_offline", tmp_path]
    try:
        built = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=600)
    finally:
        subprocess.run(
            ["bazel", f"--output_user_root={tmp_path / 'bazel'}", "shutdown"],
            check=False,
            cwd=ROOT,
            capture_output=True,
            timeout=60,
        )
    assert built.returncode == 0, built.stderr
    assert b"TfdgsuRegisterHostOps" in (tmp_path / "bin" / "micro_runtime" / "libtfdgsu_ops.so").read_bytes()
