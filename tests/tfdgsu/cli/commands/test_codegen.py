# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu codegen`."""

import ctypes
import os
import pathlib
import re
import subprocess

import keras
import pytest
from tfdgsu.export.schema import read_graph
from tfdgsu.export.schema.types import OPERATOR_NAMES
from tfdgsu.micro_runtime import Session
from tfdgsu.micro_runtime.bundle import read_bundle
from tfdgsu.micro_runtime.codegen import resolver_method
from tfdgsu.micro_runtime.int8_rules import INT8_RULES
from tfdgsu.micro_runtime.movement_rules import MOVEMENT_RULES
from tfdgsu.micro_runtime.operator_rules import OTHER_OPS
from tfdgsu.micro_runtime.shape_rules import RULES

import tfdgsu
from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, run


@pytest.fixture(scope="module")
def generated(bundle_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("codegen") / "new"
    assert run(["codegen", bundle_path, "--out", str(folder), "--name", "my_net"]) == EXIT_OK
    return folder


def test_resolver_has_the_ops_of_the_bundle_and_no_others(bundle_path, generated):
    text = (generated / "my_net_ops.cc").read_text()
    kinds = {op.kind for op in read_graph(pathlib.Path(bundle_path).read_bytes()).ops}
    custom = {kind for kind in kinds if kind.startswith("Tfdgsu")}
    assert set(re.findall(r'AddCustom\("(\w+)", TfdgsuRegistration\w+\(\)\)', text)) == custom
    assert set(re.findall(r"resolver->(Add\w+)\(\)", text)) == {resolver_method(kind) for kind in kinds - custom}
    assert f"MicroMutableOpResolver<{len(kinds)}>" in text
    assert all(f'AddCustom("Tfdgsu{name}"' in text for name in re.findall(r"TfdgsuRegistration(\w+)", text))


def test_data_is_the_bundle_aligned(bundle_path, generated, tmp_path):
    library = tmp_path / "data.so"
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "-o", library, generated / "my_net_data.c"], check=True)
    loaded, data = ctypes.CDLL(str(library)), pathlib.Path(bundle_path).read_bytes()
    array = (ctypes.c_ubyte * len(data)).in_dll(loaded, "my_net")
    assert bytes(array) == data and ctypes.addressof(array) % 16 == 0
    assert ctypes.c_size_t.in_dll(loaded, "my_net_bytes").value == len(data)


def test_header_states_the_arena_of_each_target(bundle_path, generated):
    header = read_bundle(bundle_path).header
    text = (generated / "my_net.h").read_text()
    for name, minimum in {
        "X86_64": header.minimum_arena_bytes_x86_64,
        "CortexM": header.minimum_arena_bytes_cortex_m,
    }.items():
        stated = int(re.search(rf"kMyNetArenaBytes{name} = (\d+)", text)[1])
        assert minimum <= stated < minimum + 16 and stated % 16 == 0


def test_header_states_what_a_checkpoint_takes(bundle_path, generated, tmp_path):
    Session(bundle_path).save(tmp_path / "w.tfdw")
    n_variables, n_bytes = len(read_bundle(bundle_path).variables), (tmp_path / "w.tfdw").stat().st_size
    stated = f"kMyNetVariables = {n_variables}, kMyNetCheckpointBytes = {n_bytes} "
    assert stated in (generated / "my_net.h").read_text()


def test_an_inference_model_has_resolver_and_arena_but_no_variables(tmp_path):
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
    report = tfdgsu.export.export_inference_model(model, tmp_path / "m.tflite")
    assert run(["codegen", str(tmp_path / "m.tflite"), "--out", str(tmp_path / "out"), "--name", "net"]) == EXIT_OK
    header, ops = ((tmp_path / "out" / f"net{end}").read_text() for end in (".h", "_ops.cc"))
    assert set(re.findall(r"resolver->(Add\w+)\(\)", ops)) == {"AddConv2D", "AddReshape"} and "AddCustom" not in ops
    stated = int(re.search(r"kNetArenaBytesX86_64 = (\d+)", header)[1])
    minimum = report.arena.minimum_arena_bytes
    assert minimum <= stated < minimum + 16 and "Variables" not in header


def test_default_name_is_the_file(bundle_path, tmp_path, capsys):
    assert run(["codegen", bundle_path, "--out", str(tmp_path)]) == EXIT_OK
    assert sorted(os.listdir(tmp_path)) == ["model_tflite.h", "model_tflite_data.c", "model_tflite_ops.cc"]
    printed = capsys.readouterr().out
    assert str(tmp_path / "model_tflite.h") in printed and "builtin ops: " in printed and "Cortex-M" in printed


@pytest.mark.parametrize(
    "name", ["", "3d", "a-b", "a b", "_a", "int", "register", "namespace", "std", "tfdgsu", "tflite"]
)
def test_a_name_that_is_none_is_refused(name, bundle_path, tmp_path, capsys):
    assert run(["codegen", bundle_path, "--out", str(tmp_path), "--name", name]) == EXIT_REFUSED
    assert "must be a C identifier" in capsys.readouterr().err
    assert not os.listdir(tmp_path)


def test_a_damaged_bundle_is_refused(bundle_path, tmp_path, capsys):
    data = bytearray(pathlib.Path(bundle_path).read_bytes())
    data[len(data) // 2] ^= 1
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(data)
    assert run(["codegen", str(damaged), "--out", str(tmp_path / "out")]) == EXIT_REFUSED
    assert "CRC-32" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("op", "method"),
    [("CONV_2D", "AddConv2D"), ("PADV2", "AddPadV2"), ("RELU6", "AddRelu6"), ("BATCH_MATMUL", "AddBatchMatMul")],
)
def test_methods_are_spelt_as_upstream_does(op, method):
    assert resolver_method(op) == method


@pytest.mark.skipif(not os.environ.get("TFLM_DIR"), reason="set TFLM_DIR to a tflite-micro tree to check against it")
def test_every_op_that_bundles_may_hold_has_its_method():
    header = pathlib.Path(os.environ["TFLM_DIR"], "tensorflow/lite/micro/micro_mutable_op_resolver.h").read_text()
    known = set(re.findall(r"TfLiteStatus (Add\w+)\(", header))
    codes = {*RULES, *INT8_RULES, *MOVEMENT_RULES, *OTHER_OPS}
    # The validator has a rule for RELU_N1_TO_1, but upstream has no kernel and so no interpreter accepts it.
    assert {resolver_method(OPERATOR_NAMES[code]) for code in codes} - known == {"AddReluN1To1"}
