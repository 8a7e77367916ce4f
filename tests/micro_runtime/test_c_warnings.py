# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""All C and C++ of the runtime compiles without warnings, with every compiler there is and for 32-bit cores."""

import os
import pathlib
import shutil
import subprocess

import case_file
import pytest

RUNTIME = pathlib.Path(__file__).resolve().parents[2] / "micro_runtime"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "cortex_m4f": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
    "cortex_m55": ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"],
    "rv32": ["riscv64-unknown-elf-gcc", "--specs=picolibc.specs", "-march=rv32imac", "-mabi=ilp32"],
}

pytestmark = pytest.mark.slow


@pytest.fixture(params=COMPILERS)
def compiler(request):
    """A compiler of C with its flags for a core."""
    command = COMPILERS[request.param]
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")
    return command


def compile_quietly(command, folder, sources):
    """Compiles each source, where it says anything at all that is a failure."""
    assert sources
    done = subprocess.run([*command, "-c", *map(str, sources)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr[-3000:]


def test_c(compiler, tmp_path):
    includes = [*case_file.include_flags(tmp_path), f"-I{RUNTIME / 'host' / 'include'}"]
    folders = ("kernels", "tflm", "checkpoint", "trainer")
    sources = [path for folder in folders for path in sorted((RUNTIME / folder).rglob("*.c"))]
    compile_quietly([*compiler, "-std=c99", "-pedantic", "-O1", *WARNINGS, *includes], tmp_path, sources)


@pytest.mark.skipif(not os.environ.get("TFLM_DIR"), reason="set TFLM_DIR to a tflite-micro tree")
def test_trainer(compiler, tmp_path):
    if compiler[0].startswith("riscv64"):
        pytest.skip("needs a C++ library for riscv64-unknown-elf-gcc")
    tree = pathlib.Path(os.environ["TFLM_DIR"])
    downloads = os.environ.get("TFLM_THIRD_PARTY_DIR") or tree / "tensorflow/lite/micro/tools/make/downloads"
    upstream = [tree, *(pathlib.Path(downloads) / name for name in ("flatbuffers/include", "gemmlowp", "ruy"))]
    includes = [*case_file.include_flags(tmp_path), *(flag for path in upstream for flag in ("-isystem", str(path)))]
    command = [compiler[0].replace("gcc", "g++").replace("clang", "clang++"), *compiler[1:]]
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")
    flags = ["-std=c++17", "-O1", "-fno-exceptions", "-fno-rtti", "-DTF_LITE_STATIC_MEMORY", *WARNINGS, *includes]
    compile_quietly([*command, *flags], tmp_path, sorted((RUNTIME / "trainer").glob("*.cc")))
