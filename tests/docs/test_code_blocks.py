# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Code in the pages runs; commands and settings in them exist."""

import configparser
import os
import pathlib
import re
import shutil

import markdown_pages
import pytest
import tiny_bundle
import yaml
from command_lines import check_command, split_commands
from markdown_pages import PAGES, ROOT, name_of
from tfdgsu.micro_runtime import package

from tfdgsu.cli.main import run

LANGUAGES = {"python", "sh", "cmake", "cpp", "ini", "yaml", "", "{toctree}", "{eval-rst}"}
# Blocks that can't run here, by page. Each has its reason in the page, in front of it.
N_NOT_RUN = {"examples/cortex_m/README.md": 1}
_SOURCES = ("*.h", "*.c", "*.cc", "*.inc", "CMakeLists.txt", "*.cmake", "*.in", "Kconfig")


def pages_with(language):
    names = [name_of(path) for path in PAGES]
    return [name for name in names if any(not block.not_run for block in markdown_pages.blocks(name, language))]


@pytest.mark.parametrize("page", [page for page in pages_with("python") if page != "README.md"])
def test_python_blocks_run(page, tmp_path, monkeypatch):
    """Those of the README run in tests/test_readme.py, which looks at what they compute."""
    monkeypatch.chdir(tmp_path)
    assert markdown_pages.run_python(page)


def test_blocks_that_are_not_run_are_counted():
    marked = [block for block in markdown_pages.all_blocks(*LANGUAGES) if block.not_run]
    assert {page: sum(block.page == page for block in marked) for page in {b.page for b in marked}} == N_NOT_RUN
    assert all(len(block.not_run) > 10 for block in marked), "say why"


def test_every_block_has_a_language_that_is_checked():
    fences = [
        (name_of(path), line)
        for path in PAGES
        for line in re.findall(r"^```(.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    assert {line.strip() for _, line in fences} <= LANGUAGES, [f for f in fences if f[1].strip() not in LANGUAGES]


@pytest.mark.parametrize("block", markdown_pages.all_blocks("sh"), ids=str)
def test_commands_exist(block):
    commands = split_commands(block.text)
    assert commands
    problems = [f"{' '.join(words)}: {problem}" for words in commands if (problem := check_command(words))]
    assert not problems


def _in_process(words):
    """What runs the command in this process; `None` for what tests of its own run: installations, builds, long runs."""
    if words[:1] == ["tfdgsu"] and words[1] in ("inspect", "codegen"):
        return lambda: run(words[1:])
    if words[:3] == ["python", "-m", "tfdgsu.micro_runtime.package"]:
        return lambda: package.main([os.path.expanduser(word) for word in words[3:]])
    if words[:1] == ["mv"]:
        return lambda: os.rename(*words[1:])
    return None


_RUNNABLE = [block for block in markdown_pages.all_blocks("sh") if any(map(_in_process, split_commands(block.text)))]


@pytest.fixture(scope="module")
def tiny_path(tmp_path_factory):
    return tiny_bundle.export_tiny(tmp_path_factory.mktemp("tiny") / "model.tflite", quantize="int8")


@pytest.mark.parametrize("block", _RUNNABLE, ids=str)
def test_commands_run(block, tiny_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("model.tflite", "quickstart_out/digits_int8.tflite"):
        pathlib.Path(name).parent.mkdir(exist_ok=True)
        shutil.copy(tiny_path, name)
    for words in split_commands(block.text):
        command = _in_process(words)
        assert command is None or not command(), words


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("tfdgsu plant model.keras", "no command"),
        ("tfdgsu plan model.keras --rum 256KB", "no flag --rum"),
        ("python -m tfdgsu.micro_runtime.package espidf --out x", "no flag or choice espidf"),
        ("python examples/cortex_m/write_image.py --out x", "no file"),
        ("pytest tests/test_none.py", "no file"),
        ("pip install -e '.[tests]'", "no extra tests"),
        ("cmake -S micro_runtime -B build -DTFLM_DIRECTORY=x", "no setting TFLM_DIRECTORY"),
        ("frobnicate", "unknown program"),
    ],
)
def test_commands_that_do_not_exist_are_found(command, problem):
    (words,) = split_commands(command)
    assert problem in check_command(words)


@pytest.fixture(scope="module")
def device_sources():
    folders = (ROOT / "micro_runtime", ROOT / "examples")
    return "\n".join(path.read_text() for folder in folders for name in _SOURCES for path in folder.rglob(name))


@pytest.mark.parametrize("block", markdown_pages.all_blocks("cmake", "cpp", "ini"), ids=str)
def test_names_in_device_code_exist(block, device_sources):
    text = block.text.replace("kModelArenaBytes", "").replace("ModelOpResolver", "")  # Made by tfdgsu codegen.
    names = set(re.findall(r"\b(?:CONFIG_)?k?(?:TFDGSU|Tfdgsu|TFLM|tfdgsu_)\w*", text))
    names |= set(re.findall(r"trainer\.(\w+)\(", text))
    names = {name.removeprefix("CONFIG_") for name in names if "codegen" not in name}
    assert "tfdgsu" in text.lower(), "nothing here is of this project"
    assert {name for name in names if not re.search(rf"\b{name}\b", device_sources)} == set()


@pytest.mark.parametrize("block", markdown_pages.all_blocks("ini", "yaml"), ids=str)
def test_settings_are_well_formed(block):
    if block.language == "yaml":
        assert yaml.safe_load(block.text)
    else:
        parser = configparser.ConfigParser()
        parser.read_string("[settings]\n" + block.text)
        assert len(parser["settings"]) > 0


@pytest.mark.parametrize("page", [name_of(path) for path in PAGES])
def test_commands_in_the_text_exist(page):
    shown = [span for span in markdown_pages.code_spans(page) if re.match(r"tfdgsu [a-z]", span.target)]
    problems = [f"{span}: {problem}" for span in shown if (problem := check_command(span.target.split()))]
    assert not problems
