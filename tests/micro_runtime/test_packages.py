# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Folders for Arduino, ESP-IDF and Zephyr: complete, the same each time, whole or not at all."""

import os
import pathlib
import re
import shlex

import pytest
from tfdgsu.export.ops.custom import OPTIONS_VERSION, REGISTRY
from tfdgsu.micro_runtime import package as packaging
from tfdgsu.micro_runtime.generate_options import generate_header

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "micro_runtime"
SOURCE_ROOTS = {"arduino": "src", "esp_idf": ".", "zephyr": "."}
_INCLUDE = re.compile(r'^\s*#include ["<]([^">]+)[">]', re.MULTILINE)


@pytest.mark.parametrize("ecosystem", packaging.ECOSYSTEMS)
def test_every_source_is_in_it_once(ecosystem):
    contents = packaging.package_contents(ecosystem)
    expected = [
        path.stem
        for folder in ("checkpoint", "kernels", "tflm", "trainer")
        for path in (RUNTIME / folder).rglob("*")
        if path.suffix in (".c", ".cc")
    ]
    found = [pathlib.PurePosixPath(name).stem for name in contents if name.endswith((".c", ".cc", ".cpp"))]
    assert sorted(found) == sorted(expected)
    assert contents["LICENSE"].decode() == (ROOT / "LICENSE").read_text()
    assert not [name for name, data in contents.items() if b"@VERSION@" in data]


@pytest.mark.parametrize("ecosystem", packaging.ECOSYSTEMS)
def test_every_include_is_found(ecosystem):
    """Own headers beside the file or in the folders on the include path; all others are the user's or the compiler's."""
    contents = packaging.package_contents(ecosystem)
    paths = [SOURCE_ROOTS[ecosystem]] if ecosystem == "arduino" else ["include", "tflm"]
    missing = []
    for name, data in contents.items():
        if "examples" in name or not name.endswith((".c", ".cc", ".cpp", ".h")):
            continue
        for header in _INCLUDE.findall(data.decode()):
            beside = os.path.normpath(os.path.join(os.path.dirname(name), header))
            if beside in contents or any(os.path.normpath(f"{path}/{header}") in contents for path in paths):
                continue
            is_ours = header.startswith(("tfdgsu", "../")) or (RUNTIME / "tflm" / header).exists()
            missing += [(name, header)] if is_ours else []
    assert not missing


@pytest.mark.parametrize("ecosystem", packaging.ECOSYSTEMS)
def test_folders_are_the_same_each_time(ecosystem, tmp_path):
    (tmp_path / "second").mkdir()
    names = packaging.package(ecosystem, tmp_path / "first")
    assert packaging.package(ecosystem, tmp_path / "second") == names
    for folder in ("first", "second"):
        files = [path for path in (tmp_path / folder).rglob("*") if path.is_file()]
        assert sorted(path.relative_to(tmp_path / folder) for path in files) == sorted(names)
        assert all(os.access(path, os.R_OK) for path in files)
    assert all((tmp_path / "first" / n).read_bytes() == (tmp_path / "second" / n).read_bytes() for n in names)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]


@pytest.mark.parametrize("ecosystem", packaging.ECOSYSTEMS)
def test_options_are_generated(ecosystem):
    contents = packaging.package_contents(ecosystem)
    name = "src/tfdgsu/options.h" if ecosystem == "arduino" else "include/tfdgsu/options.h"
    assert contents[name].decode() == generate_header(REGISTRY, OPTIONS_VERSION)


def test_a_folder_in_use_is_refused(tmp_path, capsys):
    (tmp_path / "mine").write_text("kept")
    assert packaging.main(["arduino", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "must not exist yet, or be empty. Received:" in error and "Remedy:" in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_link_stays_and_what_it_names_is_filled(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "link").symlink_to("library")
    names = packaging.package("arduino", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert all((tmp_path / "library" / name).is_file() for name in names)


def test_an_unknown_ecosystem_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Received: 'mbed'\. Remedy:"):
        packaging.package("mbed", tmp_path / "out")


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(packaging.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        packaging.package("zephyr", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_commands_of_the_readme_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    section = (RUNTIME / "README.md").read_text().split("## Packages\n")[1].split("\n## ")[0]
    commands = [
        shlex.split(line)
        for line in re.findall(r"^python -m tfdgsu\.micro_runtime\.package .*$", section, re.MULTILINE)
    ]
    assert sorted(command[3] for command in commands) == sorted(packaging.ECOSYSTEMS)
    for command in commands:
        assert packaging.main(command[3:]) == 0
        assert (pathlib.Path(command[5]).expanduser() / "LICENSE").exists()
