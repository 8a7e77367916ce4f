# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Format, lint, licence headers and the direction of imports."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDERS = ("tfdgsu", "export", "micro_runtime", "tests", "benchmarks", "fuzz", "docs", "examples", "colab")
SOURCES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".c", ".h")
)


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_ruff_finds_nothing(command):
    arguments = [sys.executable, "-m", "ruff", *command, "--no-cache", *FOLDERS, "setup.py"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_source_file_has_its_licence():
    without = [path for path in SOURCES if "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:300]]
    assert not without


def test_files_stay_readable():
    """Longer ones want to be two."""
    long = {str(path.relative_to(ROOT)): n for path in SOURCES if (n := len(path.read_text().splitlines())) > 400}
    assert not long


def test_the_keras_side_never_imports_the_compiler():
    pattern = re.compile(r"^\s*(from|import) .*\b(export|micro_runtime)\b", re.MULTILINE)
    files = [path for path in (ROOT / "tfdgsu").rglob("*.py") if "cli" not in path.parts]
    assert not [path.name for path in files if pattern.search(path.read_text())]


def test_library_code_has_no_assert():
    files = [
        path
        for path in SOURCES
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] not in ("tests", "benchmarks")
    ]
    assert not [path.name for path in files if re.search(r"^\s*assert ", path.read_text(), re.MULTILINE)]
