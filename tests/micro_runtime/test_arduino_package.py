# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The Arduino library: its metadata by Arduino's rules, and all of src/ compiled as Arduino compiles it."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from tfdgsu.micro_runtime.package import package

RUNTIME = pathlib.Path(__file__).resolve().parents[2] / "micro_runtime"
SHIMS = pathlib.Path(__file__).resolve().parent / "arduino_shims"
# What the core of the Nano 33 BLE passes, as far as it bears on code.
FLAGS = "-c -Os -w -mcpu=cortex-m4 -mfloat-abi=softfp -mfpu=fpv4-sp-d16 -mthumb -funsigned-char -ffunction-sections"
C, CPP = "-std=gnu11", "-std=gnu++14 -fno-exceptions -fno-rtti"
# The fields and the categories of Arduino's library specification.
FIELDS = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url")
CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing"),
    *("Data Storage", "Data Processing", "Other"),
}
# With products that the compiler would fuse, and one with some that the code fuses.
FUSING_KERNELS = ("bias_grad", "conv_2d_grad_filter", "softmax_grad")
needs_compiler = pytest.mark.skipif(not shutil.which("arm-none-eabi-g++"), reason="needs gcc-arm-none-eabi")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arduino") / "tfdgsu"
    package("arduino", folder)
    return folder


def compile_all(sources, folder, *flags):
    """Objects by source, compiled each by itself, as the Arduino tools do."""
    objects = {}
    for i, source in enumerate(sources):
        is_c = source.suffix == ".c"
        language = [C] if is_c else CPP.split()
        compiler = "arm-none-eabi-gcc" if is_c else "arm-none-eabi-g++"
        objects[source] = folder / f"{i}.o"
        command = [compiler, *FLAGS.split(), *language, *flags, str(source), "-o", str(objects[source])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
    return objects


def test_metadata_follows_the_specification(library):
    lines = (library / "library.properties").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert all(fields.get(field) for field in FIELDS)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_ .-]*", fields["name"]) and not fields["name"].startswith("Arduino")
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])
    assert fields["category"] in CATEGORIES and fields["url"].startswith("https://")
    assert (library / "src" / fields["includes"]).exists()
    # A folder that Arduino would take for the old format, or compile by mistake.
    assert not {"utility", "src/utility"} & {str(p.relative_to(library)) for p in library.rglob("*")}
    assert {path.suffix for path in (library / "src").rglob("*") if path.is_file()} <= {".c", ".cpp", ".h", ".inc"}


def test_keywords_are_names_of_the_library(library):
    headers = "".join(path.read_text() for path in (library / "src").rglob("*.h"))
    rows = [line for line in (library / "keywords.txt").read_text().splitlines() if line and not line.startswith("#")]
    for row in rows:
        name, kind = row.split("\t")
        assert kind in ("KEYWORD1", "KEYWORD2", "LITERAL1")
        known = name.removeprefix("kTfdgsuStatus").removeprefix("kTfdgsuCheckpoint")
        assert re.search(rf"\b{known}\b", headers), name


def test_a_sketch_is_named_as_its_folder(library):
    sketches = list((library / "examples").rglob("*.ino"))
    assert sketches and all(sketch.stem == sketch.parent.name for sketch in sketches)


@pytest.mark.slow
@needs_compiler
def test_kernels_compile_with_one_include_path(library, tmp_path):
    sources = [path for name in ("kernels", "checkpoint") for path in sorted((library / "src" / name).rglob("*.c"))]
    compile_all(sources, tmp_path, f"-I{library / 'src'}")


@pytest.mark.slow
@needs_compiler
def test_products_are_fused_where_the_code_says_so_only(library, tmp_path):
    """The pragmas do what -ffp-contract=off and -O3 do, which libraries can't ask for."""
    n_fused = {}
    for name, folder, flags in (
        ("pragmas", library / "src", [f"-I{library / 'src'}"]),
        ("flags", RUNTIME, [f"-I{RUNTIME / 'include'}", "-O3", "-ffp-contract=off"]),
        ("neither", RUNTIME, [f"-I{RUNTIME / 'include'}", "-O3"]),
    ):
        (tmp_path / name).mkdir()
        sources = [folder / "kernels" / f"tfdgsu_{kernel}_f32.c" for kernel in FUSING_KERNELS]
        n_fused[name] = list(map(count_fused, compile_all(sources, tmp_path / name, *flags).values()))
    assert n_fused["pragmas"] == n_fused["flags"]
    assert all(n < n_free for n, n_free in zip(n_fused["flags"], n_fused["neither"], strict=True))
    assert sum(n_fused["flags"]) > 0


def count_fused(path):
    command = ["arm-none-eabi-objdump", "-d", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return len(re.findall(r"\tvfn?m[as]\.f32\t", text))


@pytest.mark.slow
@needs_compiler
@pytest.mark.skipif(not os.environ.get("TFLM_DIR"), reason="set TFLM_DIR to a tflite-micro tree")
def test_all_of_it_and_the_sketch_compile_with_upstream(library, tmp_path):
    """The sketch against declarations of Arduino and mbed of our own, with the files of `tfdgsu codegen`."""
    from tfdgsu.micro_runtime.codegen import generate_code
    from tiny_bundle import export_tiny

    tree = pathlib.Path(os.environ["TFLM_DIR"])
    third_party = os.environ.get("TFLM_THIRD_PARTY_DIR") or tree / "tensorflow/lite/micro/tools/make/downloads"
    folders = [library / "src", tree, *(f"{third_party}/{name}" for name in ("flatbuffers/include", "gemmlowp", "ruy"))]
    flags = [*(f"-I{folder}" for folder in folders), "-DTF_LITE_STATIC_MEMORY"]
    sources = [
        p
        for name in ("tflm", "trainer")
        for p in sorted((library / "src" / name).iterdir())
        if p.suffix in (".c", ".cpp")
    ]
    compile_all(sources, tmp_path, *flags)
    sketch = tmp_path / "Personalize"
    shutil.copytree(library / "examples" / "Personalize", sketch)
    generate_code(export_tiny(tmp_path / "tiny.tflite"), sketch, "model")
    text = (sketch / "Personalize.ino").read_text()
    (sketch / "Personalize.ino.cpp").write_text(f"#include <Arduino.h>\n{text}")
    sources = [sketch / name for name in ("Personalize.ino.cpp", "model_ops.cc", "model_data.c")]
    compile_all(sources, tmp_path, *flags, f"-I{SHIMS}", f"-I{sketch}")
