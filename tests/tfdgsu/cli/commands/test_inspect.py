# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu inspect`."""

import keras
import pytest
from tfdgsu.export.schema import read_graph
from tfdgsu.micro_runtime import Session

import tfdgsu
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


@pytest.fixture(scope="module")
def inference_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect") / "infer.tflite"
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
    tfdgsu.export.export_inference_model(model, path)
    return str(path)


def test_an_inference_model_is_printed(inference_path, capsys):
    assert run(["inspect", inference_path]) == EXIT_OK
    printed = capsys.readouterr().out
    assert "inference model" in printed
    assert "update layers" not in printed
    with open(inference_path, "rb") as file:
        assert str(read_graph(file.read())) in printed


@pytest.mark.parametrize("which", ["bundle_path", "inference_path"])
def test_output_writes_a_page(which, request, tmp_path, capsys):
    path, report = request.getfixturevalue(which), tmp_path / "report.html"
    capsys.readouterr()
    assert run(["inspect", path, "--output", str(report)]) == EXIT_OK
    printed = capsys.readouterr().out
    assert f"Wrote {report}." in printed
    assert "graph(" not in printed
    assert report.read_text() == tfdgsu.micro_runtime.inspect_bundle(path).to_html()
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_no_page_of_another_file(model_path, bundle_path, tmp_path, capsys):
    """Refused with one line; a page that was there stays."""
    report = tmp_path / "report.html"
    report.write_text("old")
    missing = str(tmp_path / "missing.tflite")
    for arguments in ([model_path, "--output", str(report)], [missing, "--output", str(report)]):
        assert run(["inspect", *arguments]) == EXIT_REFUSED
        captured = capsys.readouterr()
        assert captured.err.startswith("tfdgsu: ") and captured.err.count("\n") == 1
        assert captured.out == ""
    assert run(["inspect", bundle_path, "--output", str(tmp_path / "no folder" / "report.html")]) == EXIT_REFUSED
    assert report.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
