# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import ctypes
import subprocess

from tfdgsu.export.c_array import format_c_array


def test_c_array_compiles_to_the_same_aligned_bytes(tmp_path):
    data = bytes(range(256)) + b"\x00tail"
    source = tmp_path / "model.c"
    source.write_text(format_c_array(data, "my-model.tflite"))
    library = tmp_path / "model.so"
    command = ["gcc", "-Wall", "-Wextra", "-Werror", "-std=c99", "-shared", "-fPIC", "-o", library, source]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))
    array = (ctypes.c_ubyte * len(data)).in_dll(loaded, "my_model_tflite")
    assert bytes(array) == data
    assert ctypes.c_size_t.in_dll(loaded, "my_model_tflite_bytes").value == len(data)
    assert ctypes.addressof(array) % 16 == 0


def test_c_array_name_is_an_identifier():
    assert "model_3d_tflite[]" in format_c_array(b"x", "3d.tflite")
