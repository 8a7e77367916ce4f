# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The CMake package builds without TFLM, is found by find_package, and its programs run."""

import pathlib
import shutil
import subprocess

import pytest

RUNTIME = pathlib.Path(__file__).resolve().parents[2] / "micro_runtime"
_CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(tfdgsu 0.1 REQUIRED)
add_executable(consumer main.c)
target_link_libraries(consumer PRIVATE tfdgsu::tfdgsu_kernels tfdgsu::tfdgsu_bundle)
"""
_MAIN = """\
#include <stdio.h>
#include "tfdgsu/kernels.h"
#include "tfdgsu/trainer/bundle_header.h"
int main(void) {
  const float a[3] = {1.0f, 2.0f, 3.0f}, b[3] = {0.5f, -4.0f, 8.0f};
  float y[3];
  TfdgsuBundleHeader header;
  tfdgsu_add_gradients_f32(y, a, b, 3);
  printf("%g %g %g %s\\n", y[0], y[1], y[2], TfdgsuStatusName(TfdgsuCheckBundle(a, sizeof(a), &header)));
  return 0;
}
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")]


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def build(folder, source, *settings):
    run("cmake", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=MinSizeRel", *settings)
    run("cmake", "--build", folder, "--parallel", "2")


def test_kernels_are_found_by_find_package(tmp_path):
    build(tmp_path / "library", RUNTIME, "-DTFDGSU_WARNINGS_AS_ERRORS=ON")
    run("cmake", "--install", tmp_path / "library", "--prefix", tmp_path / "installed")
    consumer = tmp_path / "consumer"
    consumer.mkdir()
    (consumer / "CMakeLists.txt").write_text(_CMAKE)
    (consumer / "main.c").write_text(_MAIN)
    build(tmp_path / "program", consumer, f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}")
    assert run(tmp_path / "program" / "consumer") == "1.5 -2 11 NotABundle\n"


@pytest.mark.skipif(not shutil.which("arm-none-eabi-g++"), reason="needs gcc-arm-none-eabi with its C++ library")
@pytest.mark.parametrize("core", ["m4f", "m7", "m55"])
def test_toolchain_file_of_each_core(core, tmp_path):
    """Without TFLM; test_trainer_objects.py builds what needs it."""
    settings = [f"-DCMAKE_TOOLCHAIN_FILE={RUNTIME}/cmake/cortex_{core}.cmake", "-DTFDGSU_WARNINGS_AS_ERRORS=ON"]
    run("cmake", "-S", RUNTIME, "-B", tmp_path, *settings)
    run("cmake", "--build", tmp_path, "--parallel", "2", "--target", "tfdgsu_bundle", "tfdgsu_checkpoint")
    assert "ELF32" in run("arm-none-eabi-readelf", "-h", tmp_path / "libtfdgsu_bundle.a")


def test_a_wrong_tree_is_refused(tmp_path):
    command = ["cmake", "-S", RUNTIME, "-B", tmp_path / "build", f"-DTFLM_DIR={tmp_path}"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode != 0 and "TFLM_DIR must be a tflite-micro tree" in done.stderr
