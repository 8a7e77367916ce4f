# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Int8 convolutions on layers of MobileNetV2 at 128 x 128: the portable kernels, and those that a core's own are.

A multiply-accumulate is one of output positions x filter x channels, those on the padded border included. Scaling of the
sums to int8 counts.
"""

import dataclasses
import pathlib

import kernel_programs
from tfdgsu.micro_runtime.emulator import BOARDS

BUILDS = {"portable": [kernel_programs.PORTABLE], "variant": []}


@dataclasses.dataclass(frozen=True)
class Shape:
    """A layer, on square images with a square filter.

    Attributes:
        name: In the table.
        has_add: Whether a residual is added to the result.
    """

    name: str
    is_depthwise: bool
    has_add: bool
    image: int
    result: int
    filter: int
    stride: int
    pad: int
    in_c: int
    out_c: int

    @property
    def n_macs(self) -> int:
        return self.result**2 * self.filter**2 * self.in_c * (1 if self.is_depthwise else self.out_c)

    @property
    def line(self) -> str:
        """What the C program reads."""
        numbers = (int(self.is_depthwise), int(self.has_add), self.image, self.result, self.filter)
        return " ".join(map(str, (*numbers, self.stride, self.pad, self.in_c, self.out_c)))


SHAPES = (
    Shape("expand 8x8 48->240", False, False, 8, 8, 1, 1, 0, 48, 240),
    Shape("expand 32x32 8->48", False, False, 32, 32, 1, 1, 0, 8, 48),
    Shape("project 4x4 384->96", False, False, 4, 4, 1, 1, 0, 384, 96),
    Shape("project 8x8 240->48 add", False, True, 8, 8, 1, 1, 0, 240, 48),
    Shape("depthwise 3x3 s1 8x8x192", True, False, 8, 8, 3, 1, 1, 192, 192),
    Shape("depthwise 3x3 s2 16x16x96", True, False, 16, 8, 3, 2, 0, 96, 96),
    Shape("depthwise 5x5 s1 4x4x384", True, False, 4, 4, 5, 1, 2, 384, 384),
    Shape("stem 3x3 s2 32x32 3->16", False, False, 32, 16, 3, 2, 0, 3, 16),
    Shape("conv 3x3 s1 8x8 32->32", False, False, 8, 8, 3, 1, 1, 32, 32),
)


def measure(folder: pathlib.Path) -> list[dict]:
    """One row per shape; counts per core and build."""
    rows = [{"shape": shape.name, "n_macs": shape.n_macs, "instructions_per_mac": {}} for shape in SHAPES]
    lines = [shape.line for shape in SHAPES]
    for core in BOARDS:
        for build, flags in BUILDS.items():
            flags = [*kernel_programs.OPTIMIZATIONS["-O2"], *flags]
            counts = kernel_programs.count_instructions(core, "forward_shapes.c", flags, lines, folder)
            for row, count in zip(rows, counts):
                row["instructions_per_mac"][f"{core} {build}"] = round(count / row["n_macs"], 3)
    return rows


def show(rows: list[dict]) -> None:
    """Prints the figures of every core."""
    print("{:28}".format("forward, int8, -O2") + "".join(f"{core:>8} {'variant':>8} {'':5}" for core in BOARDS))
    for row in rows:
        line = f"{row['shape']:28}"
        for core in BOARDS:
            portable, variant = (row["instructions_per_mac"][f"{core} {build}"] for build in BUILDS)
            line += f"{portable:8.2f} {variant:8.2f} {portable / variant:4.1f}x"
        print(line)
