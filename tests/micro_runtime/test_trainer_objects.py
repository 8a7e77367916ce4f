# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Trainer, ops, C API and generated code, compiled for each core against upstream's headers: no warning, no heap."""

import pathlib
import re
import shutil

import keras
import pytest
import tflm_tree
from tfdgsu.micro_runtime.codegen import generate_code
from tflm_tree import run
from tiny_bundle import export_tiny

import tfdgsu

RUNTIME = pathlib.Path(__file__).resolve().parents[2] / "micro_runtime"
CORES = {"x86_64": "", "m4f": "arm-none-eabi-", "m7": "arm-none-eabi-", "m55": "arm-none-eabi-"}
KINDS = ("float32", "int8", "inference")
LIBRARIES = ("bundle", "checkpoint", "kernels", "ops", "trainer")
_CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(objects LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
add_subdirectory({runtime} tfdgsu)
foreach(kind {kinds})
  add_library(${{kind}} STATIC ${{kind}}/${{kind}}_net_data.c ${{kind}}/${{kind}}_net_ops.cc)
  # As firmware may have it: without -fno-threadsafe-statics.
  target_compile_options(${{kind}} PRIVATE -Wall -Wextra -Wconversion -Wshadow -Werror
    "$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti;-fno-exceptions>")
  target_link_libraries(${{kind}} PRIVATE tfdgsu_ops)
endforeach()
"""
# Memory from a heap, by any of its names; what exceptions, RTTI and statics with constructors or destructors need.
_FORBIDDEN = re.compile(
    r"^(malloc|calloc|realloc|free|memalign|aligned_alloc|posix_memalign|strdup|_Zn[wa].*|_Zd[la].*"
    r"|__cxa_.*|__aeabi_atexit|atexit|__gxx_personality.*|_Unwind_.*|__aeabi_unwind.*|__dynamic_cast|_ZT[IS].*"
    r"|printf|puts|fopen|abort|exit|__assert.*)$"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(tflm_tree.missing_for_headers()), reason=str(tflm_tree.missing_for_headers())),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    for kind in KINDS:
        path = folder / f"{kind}.tflite"
        if kind == "inference":
            model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
            tfdgsu.export.export_inference_model(model, path)
        else:
            export_tiny(path, quantize=None if kind == "float32" else kind)
        generate_code(path, folder / kind, f"{kind}_net")
    (folder / "CMakeLists.txt").write_text(_CMAKE.format(runtime=RUNTIME, kinds=" ".join(KINDS)))
    return folder


@pytest.mark.parametrize("core", CORES)
def test_objects_of_each_core(core, project):
    prefix = CORES[core]
    if not shutil.which(f"{prefix}g++"):
        pytest.skip(f"needs {prefix}g++")
    build = project / core
    toolchain = [f"-DCMAKE_TOOLCHAIN_FILE={RUNTIME}/cmake/cortex_{core}.cmake"] if prefix else []
    run("cmake", "-S", project, "-B", build, "-DCMAKE_BUILD_TYPE=MinSizeRel", *tflm_tree.cmake_settings(), *toolchain)
    run("cmake", "--build", build, "--parallel", "2")
    libraries = [build / "tfdgsu" / f"libtfdgsu_{name}.a" for name in LIBRARIES] + [build / f"lib{k}.a" for k in KINDS]
    for library in libraries:
        symbols = [line.split() for line in run(f"{prefix}nm", "-P", library).splitlines() if " " in line]
        assert len(symbols) > 2
        assert [name for name, *_ in symbols if _FORBIDDEN.match(name)] == [], library.name
        sections = run(f"{prefix}readelf", "-SW", library)
        if library.stem.removeprefix("lib") in KINDS:
            alignments = re.findall(r"\.rodata\S* +PROGBITS .* (\d+)$", sections, re.MULTILINE)
            assert max(map(int, alignments)) >= 16, library.name
        assert not re.search(r"\.gcc_except_table|\.init_array|\.ctors|\.fini_array", sections), library.name


def test_generated_code_is_the_same_each_time(project, tmp_path):
    for kind in KINDS:
        generate_code(project / f"{kind}.tflite", tmp_path / kind, f"{kind}_net")
        for path in sorted((tmp_path / kind).iterdir()):
            assert path.read_bytes() == (project / kind / path.name).read_bytes()
