# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the host plugin (plain C) and lists the packages; everything else is in pyproject.toml."""

import importlib.util
import pathlib
import re
import shutil

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = pathlib.Path(__file__).resolve().parent
RUNTIME = pathlib.Path("micro_runtime")
PLUGIN = "tfdgsu.micro_runtime.libtfdgsu_ops"


def packages_of(name, directory):
    """The package kept in `directory` and those below it."""
    return [name, *(f"{name}.{package}" for package in find_packages(str(ROOT / directory)))]


def load_generator():
    """The module that writes options.h; loaded by path, since nothing is installed yet."""
    spec = importlib.util.spec_from_file_location("generate_options", ROOT / RUNTIME / "generate_options.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def float_unit_flags():
    """What lets the compiler use this machine's fused multiply-add; libm's function, much slower, has the same bits."""
    processor = pathlib.Path("/proc/cpuinfo")
    is_fused = processor.exists() and re.search(r"^flags.* fma ", processor.read_text(), re.MULTILINE)
    return ["-mfma"] if is_fused else []


class BuildPlugin(build_ext):
    """Generates options.h, then builds a shared library that is no Python module."""

    def build_extension(self, ext):
        generated = pathlib.Path(self.build_temp) / "generated"
        header = load_generator().write_header(ROOT, generated)
        ext.include_dirs.append(str(generated))
        super().build_extension(ext)
        if not (self.inplace or getattr(self, "editable_mode", False)):
            installed = pathlib.Path(self.build_lib) / "tfdgsu" / "micro_runtime" / "include" / "tfdgsu" / header.name
            installed.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(header, installed)

    def get_ext_filename(self, fullname):
        # No suffix of a Python version: any of them loads it with dlopen.
        return str(pathlib.Path(*fullname.split("."))) + ".so"


def c_sources():
    folders = ("kernels", "kernels/dsp", "kernels/mve", "tflm", "host")
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / RUNTIME / folder).glob("*.c"))


def c_headers():
    headers = [*(ROOT / RUNTIME).rglob("*.h"), *(ROOT / RUNTIME).rglob("*.inc"), *ROOT.glob("export/ops/custom/*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in headers)


setup(
    packages=[
        *packages_of("tfdgsu", "tfdgsu"),
        *packages_of("tfdgsu.export", "export"),
        *packages_of("tfdgsu.micro_runtime", "micro_runtime"),
    ],
    ext_modules=[
        Extension(
            PLUGIN,
            sources=c_sources(),
            depends=c_headers(),
            include_dirs=[str(RUNTIME / folder) for folder in ("include", "host/include", "tflm")],
            libraries=["m", "dl"],
            # Multiply and add fused where the code says so and nowhere else, so that results don't depend on the machine.
            extra_compile_args=[
                "-std=c99",
                "-O3",
                "-ffp-contract=off",
                *float_unit_flags(),
                "-fvisibility=hidden",
                "-Wall",
                "-Wextra",
            ],
        )
    ],
    cmdclass={"build_ext": BuildPlugin},
)
