# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Builds examples/cortex_m for an emulated board, runs it there, and reads what it printed and wrote."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
from tfdgsu.micro_runtime.emulator import BOARDS, missing_tools

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "cortex_m"
# Toolchain files in micro_runtime/cmake, which are also what {core} in TFLM_LIBRARIES stands for.
TOOLCHAINS = {"M4F": "cortex_m4f", "M7": "cortex_m7", "M55": "cortex_m55"}
_PATTERNS = {
    "arena_bytes": r"arena: (\d+) bytes, \d+ used",
    "arena_used_bytes": r"arena: \d+ bytes, (\d+) used",
    "n_right_before": r"before: (\d+) of",
    "n_right_after": r"after: (\d+) of",
    "n_right_restored": r"restored: (\d+) of",
    "instructions_per_step": r"instructions per step: (\d+)",
    "instructions_per_inference": r"instructions per inference: (\d+)",
    "stack_bytes": r"stack: (\d+) bytes",
}
_SECTION = re.compile(r"^(\.\S+)\s+(\d+)\s+\d+$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """What the firmware said.

    Attributes:
        numbers: By the names above.
        losses: float32 [n_steps].
        weights_path: Its checkpoint.
        text: All it printed.
    """

    numbers: dict[str, int]
    losses: np.ndarray
    weights_path: pathlib.Path
    text: str


def missing_prerequisite() -> str:
    """Why the firmware can't be built or run here; empty if it can."""
    for name, meaning in (
        ("TFLM_DIR", "a tflite-micro tree"),
        ("TFLM_LIBRARIES", "the paths of its library, with {core} in place of cortex_m4f, cortex_m7 and cortex_m55"),
    ):
        if not os.environ.get(name):
            return f"set {name} to {meaning}"
    return missing_tools("arm-none-eabi-g++", "qemu-system-arm") or ("" if shutil.which("cmake") else "needs cmake")


def build(core: str, generated: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The program for what lies in `generated`; builds in `folder`, where an earlier one's libraries are used again.

    Raises:
        RuntimeError: With the end of what the tools said.
    """
    toolchain = TOOLCHAINS[core]
    settings = {
        "CMAKE_TOOLCHAIN_FILE": ROOT / "micro_runtime" / "cmake" / f"{toolchain}.cmake",
        "GENERATED_DIR": generated,
        "TFLM_DIR": os.environ["TFLM_DIR"],
        "TFLM_LIBRARY": os.environ["TFLM_LIBRARIES"].format(core=toolchain),
        "TFLM_THIRD_PARTY_DIR": os.environ.get("TFLM_THIRD_PARTY_DIR", ""),
    }
    _run(["cmake", "-S", EXAMPLE, "-B", folder, *(f"-D{name}={value}" for name, value in settings.items())])
    _run(["cmake", "--build", folder, "--parallel", "2"])
    return folder / "train.elf"


def run(core: str, program: pathlib.Path, n_steps: int, folder: pathlib.Path, timeout_seconds: float = 300) -> Run:
    """Trains on the emulated board; the firmware writes its files into `folder`."""
    text = BOARDS[core].run(program, [str(n_steps)], folder=folder, timeout_seconds=timeout_seconds)
    found = {name: re.search(pattern, text) for name, pattern in _PATTERNS.items()}
    missing = [name for name, match in found.items() if not match]
    if missing:
        raise RuntimeError(f"The firmware must print everything. Received: {text!r}, without {missing}.")
    numbers = {name: int(match[1]) for name, match in found.items()}
    return Run(numbers, np.fromfile(folder / "losses.f32", "<f4"), folder / "weights.tfdw", text)


def section_bytes(program: pathlib.Path) -> dict[str, int]:
    """Sizes of an ELF file's sections."""
    return {name: int(n_bytes) for name, n_bytes in _SECTION.findall(_run(["arm-none-eabi-size", "-A", program]))}


def symbols(program: pathlib.Path) -> dict[str, int]:
    """Names in an ELF file and the bytes of what they name, 0 where it has no size."""
    lines = (line.split() for line in _run(["arm-none-eabi-nm", "-S", program]).splitlines())
    return {words[-1]: int(words[1], 16) if len(words) == 4 else 0 for words in lines}


def _run(command) -> str:
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stdout[-4000:] + done.stderr[-4000:]
        raise RuntimeError(f"{command[0]} must succeed. Received status {done.returncode}:\n{said}")
    return done.stdout
