# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a command that a page shows exists here: its program, its files, its flags."""

import contextlib
import io
import re
import shlex
import tomllib

from markdown_pages import ROOT
from tfdgsu.micro_runtime import package
from tfdgsu.micro_runtime.emulator import BOARDS

from tfdgsu.cli.main import run

# Programs of others, whose arguments are not looked at.
FOREIGN = ("make", "west", "mv", "chromium", "sed", "pre-commit", "cffconvert")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


def split_commands(text: str) -> list[list[str]]:
    """The commands of a shell block as words, without comments and settings in front."""
    commands = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            commands.append(words[:end])
            words = words[end + 1 :]
    stripped = [_without_settings(words) for words in commands]
    return [words for words in stripped if words]


def _without_settings(words: list[str]) -> list[str]:
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    return words


def check_command(words: list[str]) -> str:
    """What is wrong with a command; empty if nothing is."""
    program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
    if program.startswith("python") and arguments[:1] == ["-m"]:
        program, arguments = arguments[1], arguments[2:]
    elif program.startswith("python"):
        program, arguments = arguments[0], arguments[1:]
    if program in FOREIGN or program == "venv":
        return ""
    if program in _CHECKS:
        return _CHECKS[program](arguments)
    if "/" in program:
        return _check_script(program, arguments)
    return f"unknown program {program}"


def _flags(arguments: list[str]) -> list[str]:
    return [word.partition("=")[0] for word in arguments if word.startswith("-")]


def _check_tfdgsu(arguments: list[str]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        code = run([arguments[0], "--help"])
    if code:
        return f"no command {arguments[0]}"
    known = set(re.findall(r"^  --(?:\[no\])?(\w+)", out.getvalue(), flags=re.MULTILINE)) | {"help"}
    for flag in _flags(arguments):
        if flag.removeprefix("--") not in known and flag.removeprefix("--no") not in known:
            return f"no flag {flag}"
    return ""


def _check_package(arguments: list[str]) -> str:
    unknown = [word for word in arguments[:1] if word not in package.ECOSYSTEMS]
    unknown += [flag for flag in _flags(arguments) if flag != "--out"]
    return f"no flag or choice {unknown[0]}" if unknown else ""


def _check_pytest(arguments: list[str]) -> str:
    missing = [word for word in arguments if word.startswith("tests") and not (ROOT / word).exists()]
    return f"no file {missing[0]}" if missing else ""


def _check_pip(arguments: list[str]) -> str:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in arguments:
        match = re.fullmatch(r"(?:\.|tfdgsu)\[(.+)\]", word)
        for extra in match[1].split(",") if match else ():
            if extra not in known:
                return f"no extra {extra}"
    return ""


def _check_cmake(arguments: list[str]) -> str:
    if "-S" in arguments and not (ROOT / arguments[arguments.index("-S") + 1]).is_dir():
        return "no file behind -S"
    settings = "\n".join(
        path.read_text()
        for folder in ("micro_runtime", "examples")
        for path in (ROOT / folder).rglob("*CMakeLists.txt")
    ) + "\n".join(path.read_text() for path in (ROOT / "micro_runtime" / "cmake").iterdir())
    for word in arguments:
        name, _, value = word.removeprefix("-D").partition("=")
        if not word.startswith("-D"):
            continue
        if not name.startswith("CMAKE_") and not re.search(rf"\b{name}\b", settings):
            return f"no setting {name}"
        if name == "CMAKE_TOOLCHAIN_FILE" and not (ROOT / value.removeprefix("$PWD/")).is_file():
            return f"no file {value}"
    return ""


def _check_qemu(arguments: list[str]) -> str:
    machine = arguments[arguments.index("-M") + 1]
    return "" if machine in {board.machine for board in BOARDS.values()} else f"no machine {machine}"


def _check_ruff(arguments: list[str]) -> str:
    return "" if arguments[0] in ("format", "check") else f"no command {arguments[0]}"


def _check_sphinx(arguments: list[str]) -> str:
    folder = arguments[arguments.index("-c") + 1] if "-c" in arguments else "."
    return "" if (ROOT / folder / "conf.py").is_file() else f"no file {folder}/conf.py"


def _check_script(program: str, arguments: list[str]) -> str:
    path = ROOT / program
    if not path.is_file():
        return f"no file {program}"
    source = path.read_text()
    # A script may hand its arguments to another one.
    source += "".join(
        other.read_text() for other in path.parent.glob("*.py") if f"{other.parent.name}/{other.name}" in source
    )
    missing = [flag for flag in _flags(arguments) if f'"{flag}"' not in source and f'"{flag[2:]}"' not in source]
    return f"no flag {missing[0]}" if missing else ""


_CHECKS = {
    "tfdgsu": _check_tfdgsu,
    "tfdgsu.micro_runtime.package": _check_package,
    "pytest": _check_pytest,
    "pip": _check_pip,
    "cmake": _check_cmake,
    "qemu-system-arm": _check_qemu,
    "ruff": _check_ruff,
    "sphinx-build": _check_sphinx,
}
