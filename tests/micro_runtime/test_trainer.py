# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The C++ trainer on upstream's own interpreter, built from a tflite-micro tree, does what a Session does."""

import pathlib
import re
import struct
import zlib

import numpy as np
import pytest
import tflm_tree
from tfdgsu.export.metadata import MAGIC, seal
from tfdgsu.micro_runtime import Session
from tfdgsu.micro_runtime.bundle import read_bundle
from tfdgsu.micro_runtime.codegen import generate_code
from tflm_tree import run
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
  foreach(driver run_trainer run_trainer_states)
    add_executable(${{driver}}_${{name}} {drivers}/${{driver}}.cc ${{name}}/tested_data.c ${{name}}/tested_ops.cc)
    target_include_directories(${{driver}}_${{name}} PRIVATE ${{name}})
    target_compile_options(${{driver}}_${{name}} PRIVATE -Wall -Wextra -Werror
      "$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti;-fno-exceptions>")
    target_link_libraries(${{driver}}_${{name}} PRIVATE tfdgsu_trainer tfdgsu_checkpoint)
  endforeach()
  # To make it fail: upstream's own never does.
  target_link_options(run_trainer_states_${{name}} PRIVATE -Wl,--wrap=_ZN6tflite16MicroInterpreter5ResetEv
    -Wl,--wrap=_ZN6tflite5micro16MicroInterpreter5ResetEv)
endforeach()
"""


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(tflm_tree.missing_for_programs()), reason=str(tflm_tree.missing_for_programs())),
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
    names = {"runtime": ROOT / "micro_runtime", "drivers": ROOT / "tests" / "micro_runtime"}
    (folder / "CMakeLists.txt").write_text(_CMAKE.format(names=" ".join(bundles), **names))
    settings = tflm_tree.cmake_settings(with_library=True)
    run("cmake", "-S", folder, "-B", folder / "build", "-DCMAKE_BUILD_TYPE=Release", *settings)
    run("cmake", "--build", folder / "build", "--parallel", "2")
    return {
        name: (folder / "build" / f"run_trainer_{name}", folder / "build" / f"run_trainer_states_{name}")
        for name in bundles
    }


@pytest.mark.parametrize("name", KINDS)
def test_fifty_steps_equal_a_session_bit_for_bit(name, bundles, programs, tmp_path):
    rng = np.random.default_rng(3)
    x = rng.uniform(-1.2, 1.2, (N_STEPS, 6, 6, 3)).astype(np.float32)
    y = rng.integers(0, 4, N_STEPS).astype(np.int32)
    with open(tmp_path / "examples", "wb") as file:
        file.writelines(label.tobytes() + image.tobytes() for image, label in zip(x, y, strict=True))
    run(programs[name][0], "steps", tmp_path / "examples", tmp_path / "results")
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
    assert run(programs[name][0], "errors") == _EXPECTED


_FAILURES = """\
init Ok
missing op is null: 1
step Ok
bias Ok
not a number LossNotFinite
changed bytes: 0
reset Ok
step Ok
channels Ok
channel out of range InvokeFailed
output is null: 1
reset ResetFailed
reset Ok
step Ok
"""


@pytest.mark.parametrize("name", KINDS)
def test_calls_that_the_interpreter_fails_are_named(name, programs):
    assert run(programs[name][1], "failures") == _FAILURES


def statuses(*printed):
    """The words behind the last space of each line, by what stands before."""
    return dict(line.rsplit(" ", 1) for text in printed for line in text.splitlines())


def altered(data, offset, value):
    """A bundle with another word in its header, its checksum right."""
    data = bytearray(data)
    struct.pack_into("<I", data, data.find(MAGIC) + offset, value)
    return seal(bytes(data))


@pytest.mark.parametrize("name", KINDS)
def test_bundles_that_init_refuses(name, bundles, programs, tmp_path):
    data = bundles[name].read_bytes()
    cases = {
        "BundleVersion": (altered(data, 8, 2), 1 << 30),
        # The signature's key and the input of that name.
        "BundleUnsupported": (seal(data.replace(b"\x05\0\0\0train\0", b"\x05\0\0\0tra1n\0")), 1 << 30),
        # A header that promises too much: minimum arenas on x86-64 and on Cortex-M.
        "AllocationFailed": (altered(altered(data, 24, 16), 32, 16), 4096),
        "Ok": (data, 1 << 30),
    }
    for status, (bundle, arena_bytes) in cases.items():
        (tmp_path / "bundle").write_bytes(bundle)
        printed = run(programs[name][1], "init", tmp_path / "bundle", arena_bytes)
        assert statuses(printed)["init"] == status
    # Of the generated resolver, every op is needed; the one that is missing is named.
    code = generate_code(bundles[name], tmp_path)
    missing = re.findall(r"^without (\w+) OpMissing 1$", printed, re.MULTILINE)
    assert sorted(missing) == sorted([*code.builtin_ops, *code.custom_ops])
    assert printed.count("c without OpMissing") == len(missing)


@pytest.mark.parametrize("name", KINDS)
def test_checkpoint_of_a_session_goes_to_the_device_and_back(name, bundles, programs, tmp_path):
    session, rng = Session(bundles[name]), np.random.default_rng(8)
    for label in range(4):
        session.train(rng.uniform(-1, 1, (6, 6, 3)).astype(np.float32), np.array([label]), 0.1)
    session.save(tmp_path / "w.tfdw")
    printed = run(programs[name][1], "import", tmp_path / "w.tfdw", tmp_path / "back.tfdw", tmp_path / "values")
    expected = {"import": "ok", "c import": "ok", "unchanged:": "0", "small buffer": "too_large", "needs:": "1"}
    expected |= {"export": "ok", "c export": "ok", "same export:": "1", "variables:": "1"}
    assert {key: statuses(printed)[key] for key in expected} == expected
    assert (tmp_path / "back.tfdw").read_bytes() == (tmp_path / "w.tfdw").read_bytes()
    rest = (tmp_path / "values").read_bytes()
    for variable, value in session.variables().items():
        start = len(variable) + 1
        assert rest[:start] == variable.encode() + b"\n"
        np.testing.assert_array_equal(np.frombuffer(rest[start:], value.dtype, value.size), value.ravel(), variable)
        rest = rest[start + value.nbytes :]
    assert not rest
    other = Session(bundles[name])
    other.restore(tmp_path / "back.tfdw")
    image = rng.uniform(-1, 1, (6, 6, 3)).astype(np.float32)
    assert other.train(image, np.array([2]), 0.1) == session.train(image, np.array([2]), 0.1)


def with_checksum(blob):
    return blob[:-4] + struct.pack("<I", zlib.crc32(blob[:-4]))


def with_word(blob, offset, value):
    return with_checksum(blob[:offset] + struct.pack("<I", value) + blob[offset + 4 :])


@pytest.mark.parametrize("name", KINDS)
def test_checkpoints_that_do_not_belong_are_refused_and_change_nothing(name, bundles, programs, tmp_path):
    Session(bundles[name]).save(tmp_path / "w.tfdw")
    blob = (tmp_path / "w.tfdw").read_bytes()
    middle = len(blob) // 2
    first_size = struct.unpack_from("<I", blob, 32)[0]
    cases = [
        ("damaged", blob[:middle] + bytes([blob[middle] ^ 1]) + blob[middle + 1 :]),
        ("damaged", blob[:-1]),
        ("damaged", blob + blob),
        ("damaged", b""),
        ("damaged", b"\xff" * 4),
        ("other_version", with_word(blob, 8, 3)),
        ("other_bundle", with_word(blob, 20, 1)),
        ("other_variables", with_word(blob, 28, 1)),
        ("other_variables", with_word(blob, 32, first_size + 1)),
    ]
    for status, data in cases:
        (tmp_path / "received").write_bytes(data)
        printed = statuses(
            run(programs[name][1], "import", tmp_path / "received", tmp_path / "back", tmp_path / "values")
        )
        assert (printed["import"], printed["c import"], printed["unchanged:"]) == (status, status, "1"), (
            status,
            data[:40],
        )


def test_every_status_is_provoked():
    """Each name stands among what a test above expects."""
    names = re.findall(r"TFDGSU_STATUS\((\w+)\) ", (ROOT / "micro_runtime/include/tfdgsu/trainer/status.h").read_text())
    assert len(names) > 20
    text = pathlib.Path(__file__).read_text()
    assert [name for name in names if not re.search(rf"[ \"]{name}[\n\"]", text)] == []
