# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The C++ trainer on upstream's own interpreter, built from a tflite-micro tree, does what a Session does."""

import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
from tfdgsu.micro_runtime import Session
from tfdgsu.micro_runtime.bundle import read_bundle
from tfdgsu.micro_runtime.codegen import generate_code
from tiny_bundle import export_tiny

ROOT = pathlib.Path(__file__).resolve().parents[2]
N_STEPS = 50
KINDS = {"float32": None, "int8": "int8"}
_CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(test_trainer LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
add_subdirectory({runtime} tfdgsu)
foreach(name {names})
  add_executable(${{name}} {driver} ${{name}}/tested_data.c ${{name}}/tested_ops.cc)
  target_include_directories(${{name}} PRIVATE ${{name}})
  target_compile_options(${{name}} PRIVATE -Wall -Wextra -Werror
    "$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti;-fno-exceptions>")
  target_link_libraries(${{name}} PRIVATE tfdgsu_trainer tfdgsu_checkpoint)
endforeach()
"""


def find_tflm():
    """(tree, library), or a reason why there is none."""
    tree = os.environ.get("TFLM_DIR")
    if not tree:
        return "set TFLM_DIR to a tflite-micro tree"
    libraries = sorted(pathlib.Path(tree).glob("gen/linux_x86_64_*/lib/libtensorflow-microlite.a"))
    library = os.environ.get("TFLM_LIBRARY") or (libraries[0] if libraries else None)
    if library is None:
        return "build its library with upstream's Makefile, or set TFLM_LIBRARY"
    if not shutil.which("cmake") or not shutil.which("g++"):
        return "needs cmake and g++"
    return tree, library


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(isinstance(find_tflm(), str), reason=str(find_tflm())),
]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trainer")
    return {name: export_tiny(folder / f"{name}.tflite", quantize=kind) for name, kind in KINDS.items()}


@pytest.fixture(scope="module")
def programs(bundles):
    """The driver, built with all of this library under -Werror, for each bundle."""
    folder = next(iter(bundles.values())).parent
    for name, path in bundles.items():
        generate_code(path, folder / name, "tested")
    names = {"runtime": ROOT / "micro_runtime", "driver": ROOT / "tests" / "micro_runtime" / "run_trainer.cc"}
    (folder / "CMakeLists.txt").write_text(_CMAKE.format(names=" ".join(bundles), **names))
    tree, library = find_tflm()
    settings = [f"-DTFLM_DIR={tree}", f"-DTFLM_LIBRARY={library}", "-DTFDGSU_WARNINGS_AS_ERRORS=ON"]
    run(["cmake", "-S", folder, "-B", folder / "build", "-DCMAKE_BUILD_TYPE=Release", *settings])
    run(["cmake", "--build", folder / "build", "--parallel", "2"])
    return {name: folder / "build" / name for name in bundles}


def run(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("name", KINDS)
def test_fifty_steps_equal_a_session_bit_for_bit(name, bundles, programs, tmp_path):
    rng = np.random.default_rng(3)
    x = rng.uniform(-1.2, 1.2, (N_STEPS, 6, 6, 3)).astype(np.float32)
    y = rng.integers(0, 4, N_STEPS).astype(np.int32)
    with open(tmp_path / "examples", "wb") as file:
        file.writelines(label.tobytes() + image.tobytes() for image, label in zip(x, y, strict=True))
    run([programs[name], "steps", tmp_path / "examples", tmp_path / "results"])
    session = Session(bundles[name])
    losses = [session.train(image, label, 0.05) for image, label in zip(x, y[:, None], strict=True)]
    expected = np.array(losses, np.float32).tobytes() + session.infer(x[-1:]).tobytes()
    # In the order of the metadata, which checkpoints rely on.
    values = session.variables()
    for variable in read_bundle(bundles[name]).variables:
        expected += variable.encode() + b"\n" + values[variable].tobytes()
    factory = Session(bundles[name]).variables()
    assert any((values[key] != factory[key]).any() for key in values if key.endswith("kernel"))
    assert (tmp_path / "results").read_bytes() == expected


_EXPECTED = """\
early step NotInitialised
null bundle NullPointer
flipped bit BundleDamaged
cut BundleLength
no bundle NotABundle
misaligned bundle BundleMisaligned
misaligned arena ArenaMisaligned
small arena ArenaTooSmall
no ops OpMissing
init Ok
second init AlreadyInitialised
short x WrongSize
long x WrongSize
int32 x WrongType
null x NullPointer
two labels WrongSize
float label WrongType
negative label LabelOutOfRange
large label LabelOutOfRange
negative rate BadLearningRate
infinite rate BadLearningRate
nan x NotFinite
unknown variable NoSuchVariable
variable behind the last NoSuchVariable
output is null: 1
first variable Ok
infer Ok
written stays: 1
reset Ok
same variable Ok
factory again: 1
c null NullPointer
c early NotInitialised
c init Ok
c step Ok
step Ok
same loss: 1
same output: 1
c ended NotInitialised
restore of nothing empty
step Ok
save ok
step Ok
reset Ok
restore ok
step Ok
same loss: 1
too many variables bad_argument
"""


@pytest.mark.parametrize("name", KINDS)
def test_wrong_use_is_named_and_changes_nothing(name, programs):
    assert run([programs[name], "errors"]) == _EXPECTED
