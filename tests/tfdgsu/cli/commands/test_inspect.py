# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu inspect`."""

from tfdgsu.export.schema import read_graph
from tfdgsu.micro_runtime import Session

from tfdgsu.cli.main import EXIT_OK, EXIT_REFUSED, run


def test_prints_what_the_bundle_holds(bundle_path, capsys):
    assert run(["inspect", bundle_path]) == EXIT_OK
    printed = capsys.readouterr().out
    with open(bundle_path, "rb") as file:
        assert str(read_graph(file.read())) in printed
    assert "cyclic, every 2 steps, seed 5" in printed
    assert "signature train(" in printed
    assert f"{Session(bundle_path).arena_report().total_bytes:,} bytes (head" in printed
    assert "update layers" in printed
    assert "Largest constants" in printed


def test_sections_can_be_left_out(bundle_path, capsys):
    assert run(["inspect", bundle_path, "--nograph", "--noarena_map"]) == EXIT_OK
    printed = capsys.readouterr().out
    assert "signature train(" not in printed
    assert "Arena over time" not in printed


def test_a_damaged_bundle_is_refused(bundle_path, tmp_path, capsys):
    with open(bundle_path, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    path = tmp_path / "damaged.tflite"
    path.write_bytes(data)
    assert run(["inspect", str(path)]) == EXIT_REFUSED
    captured = capsys.readouterr()
    assert "CRC-32" in captured.err
    assert captured.out == ""
