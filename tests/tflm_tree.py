# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The tflite-micro tree that tests of the device code build against, as the environment gives it.

TFLM_DIR is the tree, TFLM_LIBRARY its library for this machine, TFLM_THIRD_PARTY_DIR the folder of flatbuffers, gemmlowp
and ruy; the latter two may be left out where upstream's Makefile has built and downloaded them.
"""

import os
import pathlib
import shutil
import subprocess


def missing_for_headers():
    """What is missing to compile against the tree; None if nothing."""
    if not os.environ.get("TFLM_DIR"):
        return "set TFLM_DIR to a tflite-micro tree"
    missing = [tool for tool in ("cmake", "g++") if not shutil.which(tool)]
    return f"needs {missing[0]}" if missing else None


def missing_for_programs():
    """What is missing to link programs for this machine; None if nothing."""
    if missing_for_headers():
        return missing_for_headers()
    return None if find_library() else "build TFLM's library with upstream's Makefile, or set TFLM_LIBRARY"


def find_library():
    libraries = sorted(pathlib.Path(os.environ["TFLM_DIR"]).glob("gen/linux_x86_64_*/lib/libtensorflow-microlite.a"))
    return os.environ.get("TFLM_LIBRARY") or (libraries[0] if libraries else None)


def cmake_settings(with_library=False):
    """Of this library's CMake files."""
    settings = [f"-DTFLM_DIR={os.environ['TFLM_DIR']}", "-DTFDGSU_WARNINGS_AS_ERRORS=ON"]
    if with_library:
        settings.append(f"-DTFLM_LIBRARY={find_library()}")
    if os.environ.get("TFLM_THIRD_PARTY_DIR"):
        settings.append(f"-DTFLM_THIRD_PARTY_DIR={os.environ['TFLM_THIRD_PARTY_DIR']}")
    return settings


def run(*command):
    """Runs a command; returns what it printed. Shows the end of its output if it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.stdout
