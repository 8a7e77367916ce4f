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


needs_bazel = pytest.mark.skipif(
    shutil.which("bazel") is None, reason="bazel is not on PATH (Debian: package bazel-bootstrap)"
)


def build(output, *arguments):
    environment = {**os.environ, "PYTHON": sys.executable}
    command = [ROOT / ".ci" / "bazel_offline", output, *arguments]
    try:
        built = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=600)
    finally:
        subprocess.run(
            ["bazel", f"--output_user_root={output / 'bazel'}", "shutdown"],
            check=False,
            cwd=ROOT,
            capture_output=True,
            timeout=60,
        )
    assert built.returncode == 0, built.stderr


@pytest.mark.slow
@needs_bazel
def test_bazel_builds_the_host_plugin(tmp_path):
    build(tmp_path)
    folder = tmp_path / "bin" / "micro_runtime"
    assert b"TfdgsuRegisterHostOps" in (folder / "libtfdgsu_ops.so").read_bytes()
    assert (folder / "libbundle.a").exists()


# What the targets ask of upstream's repository, each a library of headers from a tree.
_UPSTREAM = {
    "tensorflow/lite/c": ["common"],
    "tensorflow/lite/micro": ["micro_common", "micro_framework", "op_resolvers"],
    "tensorflow/lite/schema": ["schema_fbs"],
}
_UPSTREAM_BUILD = 'cc_library(name = "{name}", deps = ["//:headers"], visibility = ["//visibility:public"])\n'
_HEADERS = """\
cc_library(
    name = "headers",
    hdrs = glob(["headers/**/*.h"]),
    defines = ["TF_LITE_STATIC_MEMORY"],
    includes = ["headers"],
    visibility = ["//visibility:public"],
)
"""


def write_upstream(folder, tree):
    """A repository @tflite_micro of the tree's headers alone: upstream's own rules want the network."""
    third_party = os.environ.get("TFLM_THIRD_PARTY_DIR") or tree / "tensorflow/lite/micro/tools/make/downloads"
    third_party = pathlib.Path(third_party)
    roots = [tree, third_party / "flatbuffers/include", third_party / "gemmlowp", third_party / "ruy"]
    for root, name in zip(roots, ("tensorflow", "flatbuffers", ".", "ruy"), strict=True):
        for header in (root / name).rglob("*.h"):
            target = folder / "headers" / header.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(header, target)
    (folder / "WORKSPACE").write_text('workspace(name = "tflite_micro")\n')
    (folder / "BUILD").write_text(_HEADERS)
    for package, names in _UPSTREAM.items():
        (folder / package).mkdir(parents=True)
        (folder / package / "BUILD").write_text("".join(_UPSTREAM_BUILD.format(name=name) for name in names))


@pytest.mark.slow
@needs_bazel
@pytest.mark.skipif(not os.environ.get("TFLM_DIR"), reason="set TFLM_DIR to a tflite-micro tree")
def test_bazel_builds_ops_and_trainer(tmp_path):
    """Compiled, not linked, under the labels that upstream has."""
    write_upstream(tmp_path / "tflite_micro", pathlib.Path(os.environ["TFLM_DIR"]))
    override = f"--override_repository=tflite_micro={tmp_path / 'tflite_micro'}"
    build(tmp_path, override, "//micro_runtime:ops", "//micro_runtime:trainer")
    assert (tmp_path / "bin" / "micro_runtime" / "libtrainer.a").exists()
