# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that run kernels on emulated Cortex-M cores and count instructions, and what their code takes."""

import pathlib
import subprocess

from tfdgsu.micro_runtime.emulator import BOARDS, COMPILER, run_quietly

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUNTIME = ROOT / "micro_runtime"
KERNELS = sorted(RUNTIME.glob("kernels/**/*.c"))
# -O2 gives the host's bits. -Ofast, with which TinyEngine is built, may reorder sums.
OPTIMIZATIONS = {"-O2": ["-O2", "-ffp-contract=off"], "-Ofast": ["-Ofast", "-ffp-contract=off"]}
PORTABLE = "-DTFDGSU_PORTABLE"


def count_instructions(core: str, source: str, flags: list[str], lines: list[str], folder: pathlib.Path) -> list[float]:
    """Instructions of every case.

    Args:
        source: Program in this folder that reads cases.txt and prints the ticks of each.
        flags: Of the compiler.
        lines: What cases.txt holds.
    """
    board, program = BOARDS[core], folder / f"{core}.elf"
    compile_flags = ["-std=gnu99", "-Wall", *flags, f"-I{RUNTIME / 'include'}"]
    board.build(program, [ROOT / "benchmarks" / source, *KERNELS], compile_flags)
    (folder / "cases.txt").write_text("\n".join(lines) + "\n")
    ticks = board.run(program, folder=folder).split()
    if len(ticks) != len(lines):
        raise RuntimeError(f"Every case must be measured. Received: {len(ticks)} of {len(lines)}.")
    return [board.instructions(int(count)) for count in ticks]


def code_bytes(core: str, flags: list[str], folder: pathlib.Path) -> dict[str, int]:
    """Bytes of code and constants of each kernel at -Os, those without any left out."""
    objects = []
    for source in KERNELS:
        objects.append(folder / f"{source.stem}.o")
        compile_flags = ["-std=gnu99", "-Os", "-ffp-contract=off", *flags, f"-I{RUNTIME / 'include'}"]
        run_quietly([COMPILER, *BOARDS[core].flags, *compile_flags, "-c", source, "-o", objects[-1]])
    listing = subprocess.run(["arm-none-eabi-size", *objects], capture_output=True, text=True, check=True).stdout
    sizes = [int(line.split()[0]) for line in listing.splitlines()[1:]]
    return {source.stem: size for source, size in zip(KERNELS, sizes) if size}
