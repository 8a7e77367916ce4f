# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The README's commands, code and figures are what the repository has."""

import importlib
import pathlib

import markdown_pages
import numpy as np

from tfdgsu.gradient_rules import RULES

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_python_blocks_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace = markdown_pages.run_python("README.md")
    assert np.isfinite(namespace["loss"])
    assert np.isfinite(namespace["int8_loss"])
    assert namespace["int8_report"].arena.total_bytes < namespace["report"].arena.total_bytes
    np.testing.assert_allclose(namespace["probabilities"].sum(), 1, rtol=1e-5)
    assert (tmp_path / "model.tflite").stat().st_size == namespace["report"].file_bytes
    assert (tmp_path / "weights.tfdw").exists()
    assert "Arena on x86-64" in capsys.readouterr().out


def test_ci_runs_the_test_command():
    commands = [block.text.strip() for block in markdown_pages.blocks("README.md", "sh")]
    assert len(commands) == 2
    (test_command,) = [command for command in commands if command.endswith("pytest")]
    assert test_command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_figures_are_those_of_the_stored_results(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    figures, generated_parts = (importlib.import_module(name) for name in ("readme_figures", "generated_parts"))
    parts = figures.read_parts()
    assert parts
    assert generated_parts.outdated(figures.README, figures.SOURCE, parts) == [], (
        "run python benchmarks/readme_figures.py"
    )


def test_layer_table_names_every_layer_with_a_gradient_rule():
    table = README.partition("## Layers")[2].partition("##")[0]
    names = {layer_type.__name__.removesuffix("1D").removesuffix("2D") for layer_type in RULES}
    assert sorted(name for name in names if name not in table) == []
