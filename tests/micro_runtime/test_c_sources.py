# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The C side compiles without warnings, as C99 and as C++, and runs clean under sanitizers."""

import os
import pathlib
import shutil
import subprocess

import case_file
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "micro_runtime"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"]


@pytest.fixture(scope="module")
def includes(tmp_path_factory):
    """Include flags: own headers and the generated options.h."""
    return case_file.include_flags(tmp_path_factory.mktemp("generated"))


def sources(*folders):
    return sorted(str(path) for folder in folders for path in (RUNTIME / folder).rglob("*.c"))


def compile_quietly(command, tmp_path):
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0 and not result.stderr, result.stderr[-3000:]


def test_c99_without_warnings(includes, tmp_path):
    flags = ["-std=c99", "-pedantic", "-O2", *WARNINGS, *includes, f"-I{RUNTIME / 'host' / 'include'}"]
    compile_quietly(["gcc", *flags, "-c", *sources("kernels", "tflm", "host")], tmp_path)


def test_kernels_compile_without_any_other_header(tmp_path):
    flags = ["-std=c99", "-pedantic", "-Os", *WARNINGS, f"-I{RUNTIME / 'include'}"]
    compile_quietly(["gcc", *flags, "-c", *sources("kernels")], tmp_path)


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++; device builds may compile the adapters as C++")
def test_adapters_are_cpp_too(includes, tmp_path):
    (tmp_path / "main.cc").write_text(
        '#include "register.h"\n'
        "struct Resolver { TfLiteStatus AddCustom(const char*, const TFLMRegistration*) { return kTfLiteOk; } };\n"
        "int main() { Resolver resolver; return RegisterTfdgsuOps(&resolver); }\n"
    )
    flags = ["-std=c++17", "-Wall", "-Werror", *includes, f"-I{RUNTIME / 'host' / 'include'}"]
    kernels = tmp_path / "kernels"
    kernels.mkdir()
    compile_quietly(["gcc", "-std=c99", f"-I{RUNTIME / 'include'}", "-c", *sources("kernels")], kernels)
    objects = sorted(str(path) for path in kernels.glob("*.o"))
    adapters = ["-x", "c++", *sources("tflm"), "main.cc", "-x", "none"]
    compile_quietly(["g++", *flags, *adapters, *objects, "-lm", "-o", "register"], tmp_path)
    subprocess.run([str(tmp_path / "register")], check=True)


@pytest.mark.skipif(not os.environ.get("TFLM_DIR"), reason="set TFLM_DIR to a tflite-micro tree to check against it")
@pytest.mark.parametrize("language", ["c", "c++"])
def test_adapters_compile_against_the_genuine_headers(includes, tmp_path, language):
    standard = "-std=c99" if language == "c" else "-std=c++17"
    flags = [standard, "-Wall", "-Wextra", "-DTF_LITE_STATIC_MEMORY", *includes, f"-I{os.environ['TFLM_DIR']}"]
    compile_quietly(["gcc", *flags, "-x", language, "-c", *sources("tflm")], tmp_path)


@pytest.mark.slow
def test_every_case_under_address_and_undefined_behaviour_sanitizers(includes, tmp_path):
    """Adapters and kernels, driven by a tiny TFLM of our own, with every tensor in a heap block of exactly its size."""
    driver = str(ROOT / "tests" / "micro_runtime" / "run_cases.c")
    flags = ["-std=c99", "-O1", *SANITIZERS, *WARNINGS, *includes, f"-I{RUNTIME / 'host' / 'include'}"]
    compile_quietly(["gcc", *flags, driver, *sources("kernels", "tflm"), "-lm", "-o", "run_cases"], tmp_path)
    case_file.write_cases(tmp_path / "cases")
    result = subprocess.run(
        [str(tmp_path / "run_cases"), str(tmp_path / "cases"), str(tmp_path / "results")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    case_file.compare_results((tmp_path / "results").read_bytes(), case_file.expected_results())
