# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The ESP-IDF component: its manifest by Espressif's own tool, its CMake with a stand-in for ESP-IDF's."""

import os
import pathlib
import shutil
import subprocess

import pytest
from tfdgsu.micro_runtime.package import package

_MANAGER = shutil.which("compote")
# As ESP-IDF does: it first runs a component as a script, to learn what it requires, then as part of the build.
_CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C CXX)
set(CMAKE_C_STANDARD 17)
set(CMAKE_CXX_STANDARD 17)
macro(idf_component_register)
  cmake_parse_arguments(component "" "" "SRCS;INCLUDE_DIRS" ${ARGN})
  if(component_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown: ${component_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT WITH_TFLM)
    list(FILTER component_SRCS INCLUDE REGEX "/(kernels|checkpoint)/")
  endif()
  add_library(${COMPONENT_LIB} STATIC ${component_SRCS})
  target_include_directories(${COMPONENT_LIB} PUBLIC ${component_INCLUDE_DIRS})
  target_include_directories(${COMPONENT_LIB} SYSTEM PUBLIC ${TFLM_INCLUDE_DIRS})
  target_compile_definitions(${COMPONENT_LIB} PUBLIC TF_LITE_STATIC_MEMORY)
  target_compile_options(${COMPONENT_LIB} PRIVATE -Og -Wall -Werror -Wextra -Wno-unused-parameter -Wno-sign-compare)
endmacro()
set(COMPONENT_LIB __idf_tfdgsu)
add_subdirectory(tfdgsu)
add_executable(consumer main.c)
target_link_libraries(consumer PRIVATE __idf_tfdgsu m)
"""
_SCRIPT = """\
macro(idf_component_register)
  cmake_parse_arguments(component "" "" "SRCS;INCLUDE_DIRS" ${ARGN})
  list(LENGTH component_SRCS n)
  message("sources ${n}")
  return()
endmacro()
include(tfdgsu/CMakeLists.txt)
"""
_MAIN = """\
#include <stdio.h>
#include "tfdgsu/kernels.h"
int main(void) {
  const float a[3] = {1.0f, 2.0f, 3.0f}, b[3] = {0.5f, -4.0f, 8.0f};
  float y[3];
  tfdgsu_add_gradients_f32(y, a, b, 3);
  printf("%g %g %g\\n", y[0], y[1], y[2]);
  return 0;
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("esp_idf")
    package("esp_idf", folder / "tfdgsu")
    (folder / "CMakeLists.txt").write_text(_CMAKE)
    (folder / "script.cmake").write_text(_SCRIPT)
    (folder / "main.c").write_text(_MAIN)
    return folder


def run(*command, cwd):
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.skipif(_MANAGER is None, reason="needs compote (pip install idf-component-manager)")
def test_the_component_manager_accepts_the_manifest(project):
    shutil.copytree(project / "tfdgsu", project / "packed" / "tfdgsu")
    run(_MANAGER, "component", "pack", "--name", "tfdgsu", cwd=project / "packed" / "tfdgsu")
    assert list((project / "packed" / "tfdgsu" / "dist").glob("tfdgsu_*.tgz"))


@pytest.mark.skipif(_MANAGER is None, reason="needs compote (pip install idf-component-manager)")
def test_the_component_manager_refuses_a_wrong_manifest(project):
    shutil.copytree(project / "tfdgsu", project / "wrong")
    manifest = project / "wrong" / "idf_component.yml"
    manifest.write_text(manifest.read_text().replace("  - training", "  - on-device training"))
    command = [_MANAGER, "component", "pack", "--name", "tfdgsu"]
    assert subprocess.run(command, cwd=project / "wrong", capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")
def test_requirements_are_found_without_a_build(project):
    n_sources = sum(path.suffix in (".c", ".cc") for path in (project / "tfdgsu").rglob("*"))
    assert f"sources {n_sources}" in run("cmake", "-P", "script.cmake", cwd=project)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")
def test_the_component_builds(project):
    """Kernels and checkpoints; with TFLM_DIR all of it, with the warnings that ESP-IDF makes errors."""
    settings = []
    if tree := os.environ.get("TFLM_DIR"):
        third_party = pathlib.Path(
            os.environ.get("TFLM_THIRD_PARTY_DIR") or f"{tree}/tensorflow/lite/micro/tools/make/downloads"
        )
        folders = [tree, *(third_party / name for name in ("flatbuffers/include", "gemmlowp", "ruy"))]
        settings = ["-DWITH_TFLM=ON", f"-DTFLM_INCLUDE_DIRS={';'.join(map(str, folders))}"]
    run("cmake", "-S", ".", "-B", "build", *settings, cwd=project)
    run("cmake", "--build", "build", "--parallel", "2", "--target", "consumer", cwd=project)
    assert run(project / "build" / "consumer", cwd=project) == "1.5 -2 11\n"
