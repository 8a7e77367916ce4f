# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""How much flash the kernels and adapters of a bundle's ops take on a core."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

from tfdgsu.micro_runtime.emulator import COMPILER, Board, run_quietly

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests"))  # behind the package: it has a tests/tfdgsu
import case_file

RUNTIME = case_file.RUNTIME
LIMIT_BYTES = 40 * 1024
SIZE = "arm-none-eabi-size"
_SOURCES = sorted([*RUNTIME.glob("kernels/**/*.c"), *RUNTIME.glob("tflm/*.c")])


def compile_flags(optimization: str, folder: pathlib.Path) -> list[str]:
    """Flags of all C here. `folder` gets the generated header.

    Without contraction to fused multiply-adds, but for those that the kernels ask for, float32 has the host's bits.
    """
    includes = [*case_file.include_flags(folder), f"-I{RUNTIME / 'host' / 'include'}"]
    return ["-std=gnu99", optimization, "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", *includes]


def compile_runtime(board: Board, flags: list[str], folder: pathlib.Path) -> list[pathlib.Path]:
    """Objects of all kernels and adapters, with a section for each function."""
    folder.mkdir(exist_ok=True)
    objects = [folder / f"{'-'.join(source.relative_to(RUNTIME).parts)}.o" for source in _SOURCES]
    sections = ["-ffunction-sections", "-fdata-sections"]
    commands = [
        [COMPILER, *board.flags, *flags, *sections, "-c", source, "-o", target]
        for source, target in zip(_SOURCES, objects, strict=True)
    ]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(run_quietly, commands))
    return objects


def code_bytes(board: Board, objects: list[pathlib.Path], ops, folder: pathlib.Path) -> dict[str, int]:
    """Code and constants that a firmware links for ops which it registers by name.

    Args:
        objects: From `compile_runtime`.
        ops: Names of custom ops.
        folder: For the linked files.

    Returns:
        `own` bytes of kernels and adapters; `library` bytes of the compiler's and the C library's functions that these
        call, which firmware often has anyway; `data` bytes of RAM for their variables.
    """
    roots = [f"TfdgsuRegistration{op.removeprefix('Tfdgsu')}" for op in ops]
    link = [COMPILER, *board.flags, "-nostartfiles", "-Wl,--gc-sections", f"-Wl,-e,{roots[0]}"]
    link += [f"-Wl,-u,{root}" for root in roots]
    own, data = _linked_bytes([*link, "-nostdlib", "-Wl,--unresolved-symbols=ignore-all", *objects], folder / "own")
    total, _ = _linked_bytes([*link, *objects, "-lm"], folder / "total")
    return {"own": own, "library": total - own, "data": data}


def _linked_bytes(command: list, program: pathlib.Path) -> tuple[int, int]:
    """(code and constants, variables)."""
    run_quietly([*command, "-o", program])
    listing = subprocess.run([SIZE, program], capture_output=True, text=True, check=True).stdout
    text, data, bss = (int(field) for field in listing.splitlines()[1].split()[:3])
    return text, data + bss
