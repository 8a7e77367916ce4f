# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes self-contained folders for Arduino, ESP-IDF and Zephyr.

python -m tfdgsu.micro_runtime.package {arduino,esp_idf,zephyr} --out DIR
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import pathlib
import shutil
import sys
import tempfile

from .. import __version__
from ..export.ops.custom import OPTIONS_VERSION, REGISTRY
from .generate_options import generate_header

ECOSYSTEMS = ("arduino", "esp_idf", "zephyr")
_RUNTIME = pathlib.Path(__file__).resolve().parent
_FOLDERS = ("checkpoint", "include", "kernels", "tflm", "trainer")
_SUFFIXES = (".c", ".cc", ".h", ".inc")
# Of the templates, what does not go where it lies.
_PLACES = {
    "arduino": {"tfdgsu.h": "src/tfdgsu.h", "register.h": "src/register.h"},
    "esp_idf": {},
    "zephyr": {name: f"zephyr/{name}" for name in ("CMakeLists.txt", "Kconfig", "module.yml")},
}
# Arduino libraries have no say in the compiler's flags, and Arduino compiles for size.
_ARDUINO_HEAD = """\
// Multiply and add fused where the code says so and nowhere else, so that results don't depend on the machine.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize(%s)
#else
#pragma STDC FP_CONTRACT OFF
#endif

"""


def package(ecosystem: str, folder: str | os.PathLike) -> list[pathlib.Path]:
    """Writes what a build system's users add to a project: sources, headers and its own description files.

    The folder appears whole or not at all, with the same bytes each time.

    Example:
        package("arduino", "~/Arduino/libraries/tfdgsu")

    Args:
        ecosystem: "arduino" for a library, "esp_idf" for a component, "zephyr" for a module.
        folder: Where to write; must not exist, or be empty. Folders above it are made.

    Returns:
        The files, relative to the folder, sorted.

    Raises:
        ValueError: There is no such ecosystem, or the folder holds something.
        OSError: The folder can't be written.
    """
    if ecosystem not in ECOSYSTEMS:
        raise ValueError(
            f"Ecosystem must be one of {', '.join(ECOSYSTEMS)}. Received: {ecosystem!r}. Remedy: choose one of them; "
            "CMake and Bazel build from the source folder itself."
        )
    target = pathlib.Path(folder).expanduser().resolve()  # of a link, what it names: a folder can't replace it
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(
            f"Output folder must not exist yet, or be empty. Received: {target}, which holds something. "
            "Remedy: remove it, or choose another."
        )
    contents = package_contents(ecosystem)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(dir=target.parent, prefix=".tfdgsu-"))
    try:
        for name, data in contents.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(data)
        temporary.chmod(0o755)
        if target.exists():
            target.rmdir()
        os.replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return [pathlib.Path(name) for name in contents]


def package_contents(ecosystem: str) -> dict[str, bytes]:
    """Every file of a package by its path, sorted."""
    contents = {"LICENSE": _read_licence().encode()}
    for name, data in _sources().items():
        path, data = _for_arduino(name, data) if ecosystem == "arduino" else (name, data)
        contents[path] = data
    templates = _RUNTIME / "packaging" / ecosystem
    for path in filter(pathlib.Path.is_file, templates.rglob("*")):
        name = path.relative_to(templates).as_posix()
        contents[_PLACES[ecosystem].get(name, name)] = path.read_bytes().replace(b"@VERSION@", __version__.encode())
    return dict(sorted(contents.items()))


def _sources() -> dict[str, bytes]:
    paths = [path for folder in _FOLDERS for path in (_RUNTIME / folder).rglob("*") if path.suffix in _SUFFIXES]
    sources = {path.relative_to(_RUNTIME).as_posix(): path.read_bytes() for path in paths}
    sources["include/tfdgsu/options.h"] = generate_header(REGISTRY, OPTIONS_VERSION).encode()
    return sources


def _for_arduino(name: str, data: bytes) -> tuple[str, bytes]:
    """Below src/, its only include path; C++ with the one suffix that all of Arduino's builders know."""
    path = pathlib.PurePosixPath("src", name.removeprefix("include/"))
    if path.suffix in (".c", ".cc"):
        options = '"O3", "fp-contract=off"' if path.parts[1] == "kernels" else '"fp-contract=off"'
        data = (_ARDUINO_HEAD % options).encode() + data
    return str(path.with_suffix(".cpp") if path.suffix == ".cc" else path), data


def _read_licence() -> str:
    """From the repository, else from what pip keeps of an installed package."""
    source = _RUNTIME.parent / "LICENSE"
    text = source.read_text() if source.exists() else None
    text = text or importlib.metadata.distribution("tfdgsu").read_text("licenses/LICENSE")
    if not text:
        raise FileNotFoundError(
            "The package must hold its licence. Received: an installation of tfdgsu without LICENSE. "
            "Remedy: install tfdgsu again."
        )
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tfdgsu.micro_runtime.package", description=__doc__.split("\n")[0])
    parser.add_argument("ecosystem", choices=ECOSYSTEMS)
    parser.add_argument("--out", required=True, help="the folder to write; must not exist, or be empty")
    values = parser.parse_args(arguments)
    try:
        files = package(values.ecosystem, values.out)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{len(files)} files in {values.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
