# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Both generations of upstream's headers: names outside tflite::micro, and in it.

Which names moved was read from the symbols of the wheel of 23 October 2026, the newest when this was written: the C
structs and enumerations (TfLiteContext, TfLiteNode, TfLiteStatus, TFLMRegistration, ...) from the global namespace, and
interpreter, resolvers and kernels from tflite, all into tflite::micro. The schema stayed in tflite. With TFLM_DIR, the
other tests of the trainer compile against the genuine headers of whichever generation that is.
"""

import importlib.util
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "micro_runtime"
GENERATIONS = ["older", "newer"]
pytestmark = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")

_NAMES = """\
#include <type_traits>
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tfdgsu/trainer/tflm.h"
static_assert(std::is_same<tfdgsu::tflm::MicroInterpreter, {micro}::MicroInterpreter>::value, "");
static_assert(std::is_same<tfdgsu::tflm::MicroOpResolver, {micro}::MicroOpResolver>::value, "");
static_assert(std::is_same<tfdgsu::tflm::MicroMutableOpResolver<3>, {micro}::MicroMutableOpResolver<3>>::value, "");
static_assert(std::is_same<tfdgsu::tflm::Model, tflite::Model>::value, "");
static_assert(tfdgsu::tflm::BuiltinOperator_CUSTOM == tflite::BuiltinOperator_CUSTOM, "");
const char* Name(tfdgsu::tflm::BuiltinOperator op) {{ return tfdgsu::tflm::EnumNameBuiltinOperator(op); }}
const tfdgsu::tflm::Model* Get(const void* data) {{ return tfdgsu::tflm::GetModel(data); }}
"""
_REGISTER = """\
#include "register.h"
struct Resolver { TfLiteStatus AddCustom(const char*, const TFLMRegistration*) { return kTfLiteOk; } };
int main() { Resolver resolver; return RegisterTfdgsuOps(&resolver); }
"""


def write(folder, path, text):
    target = folder / "tensorflow" / "lite" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def compile_cpp(folder, *sources):
    generated = folder / "generated"
    spec = importlib.util.spec_from_file_location("generate_options", RUNTIME / "generate_options.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_header(ROOT, generated)
    includes = [folder, generated, RUNTIME / "include", RUNTIME / "tflm"]
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *(f"-I{path}" for path in includes)]
    done = subprocess.run([*command, "-x", "c++", *map(str, sources)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_trainer_finds_the_interpreter(generation, tmp_path):
    micro = "tflite" if generation == "older" else "tflite::micro"
    write(tmp_path, "micro/micro_interpreter.h", f"namespace {micro} {{ class MicroInterpreter {{}}; }}\n")
    write(tmp_path, "micro/micro_op_resolver.h", f"namespace {micro} {{ class MicroOpResolver {{}}; }}\n")
    resolver = f"namespace {micro} {{ template <unsigned n> class MicroMutableOpResolver {{}}; }}\n"
    write(tmp_path, "micro/micro_mutable_op_resolver.h", resolver)
    schema = "struct Model; const Model* GetModel(const void*); enum BuiltinOperator { BuiltinOperator_CUSTOM = 32 };"
    schema += "inline const char* EnumNameBuiltinOperator(BuiltinOperator) { return nullptr; }"
    # In tflite::micro too, but below another name, as upstream has it.
    other = "namespace micro { namespace compression { struct Model; } }"
    write(tmp_path, "schema/schema_generated.h", f"namespace tflite {{ {schema} {other} }}\n")
    (tmp_path / "names.cc").write_text(_NAMES.format(micro=micro))
    compile_cpp(tmp_path, tmp_path / "names.cc")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_registration_and_adapters_find_the_structs(generation, tmp_path):
    for path in ("c/common.h", "micro/micro_common.h"):
        text = (RUNTIME / "host" / "include" / "tensorflow" / "lite" / path).read_text()
        if generation == "newer":
            includes = "".join(re.findall(r"^#include .*\n", text, re.MULTILINE))
            body = re.sub(r"^#include .*\n", "", text, flags=re.MULTILINE)
            text = f"#pragma once\n{includes}namespace tflite {{ namespace micro {{\n{body}\n}} }}\n"
        write(tmp_path, path, text)
    (tmp_path / "register.cc").write_text(_REGISTER)
    compile_cpp(tmp_path, tmp_path / "register.cc", *sorted((RUNTIME / "tflm").glob("*.c")))
