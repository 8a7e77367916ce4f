# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Gradient kernels on the shapes for which figures of MIT's TinyEngine on a Cortex-M7 are at hand.

A multiply-accumulate is one of the layer's forward pass: output positions x filter x channels, those on the padded
border included. The column "inside" divides by those inside the image only. Our filter gradients count the gathering of
the selected channels and the update of the weights; int8 updates are given for every rounding mode.
"""

import dataclasses
import pathlib

import kernel_programs
from tfdgsu.micro_runtime.emulator import BOARDS

VARIANTS = {"float32": -1, "int8 nearest": 0, "int8 stochastic": 1, "int8 remainder": 2}


@dataclasses.dataclass(frozen=True)
class Shape:
    """A layer's gradient, on square images with a square filter.

    Attributes:
        name: In the table.
        is_filter: Of the filter, else of the input.
        n_channels: Of the input, before the selection of `in_c` of them.
        tiny_engine: Instructions per multiply-accumulate of MIT's TinyEngine on a Cortex-M7 at -O2 and -Ofast, as
            this project's requirements quote them; None where it has no such kernel.
        goal: Instructions per multiply-accumulate, in portable C.
    """

    name: str
    is_filter: bool
    is_depthwise: bool
    image: int
    result: int
    filter: int
    stride: int
    pad: int
    in_c: int
    out_c: int
    n_channels: int
    tiny_engine: tuple[float, float] | None
    goal: float

    @property
    def n_macs(self) -> int:
        return self.result**2 * self.filter**2 * self._pairs

    @property
    def n_macs_inside(self) -> int:
        starts = (o * self.stride - self.pad for o in range(self.result))
        taps = sum(0 <= start + tap < self.image for start in starts for tap in range(self.filter))
        return taps**2 * self._pairs

    @property
    def _pairs(self) -> int:
        return self.in_c * (1 if self.is_depthwise else self.out_c)

    @property
    def variants(self) -> list[str]:
        return list(VARIANTS) if self.is_filter else ["float32", "int8 nearest"]

    def line(self, variant: str) -> str:
        """What the C program reads."""
        numbers = (int(self.is_filter), int(self.is_depthwise), VARIANTS[variant], self.image, self.result)
        numbers += (self.filter, self.stride, self.pad, self.in_c, self.out_c, self.n_channels)
        return " ".join(map(str, numbers))


# "240->48" is from the gradient's channels to the input's; "24x240" is 24 selected input channels by 240.
SHAPES = (
    Shape("pointwise input 8x8 240->48", False, False, 8, 8, 1, 1, 0, 48, 240, 48, (5.63, 3.60), 2.0),
    Shape("pointwise input 4x4 96->384", False, False, 4, 4, 1, 1, 0, 384, 96, 384, (5.61, 3.58), 2.0),
    Shape("pointwise filter 8x8 24x240", True, False, 8, 8, 1, 1, 0, 24, 240, 48, (4.02, 4.15), 2.0),
    Shape("pointwise filter 4x4 96x384", True, False, 4, 4, 1, 1, 0, 96, 384, 96, (5.40, 4.15), 2.0),
    Shape("depthwise input 3x3 s1 8x8x192", False, True, 8, 8, 3, 1, 1, 192, 192, 192, (4.24, 3.39), 2.5),
    Shape("depthwise input 5x5 s1 4x4x384", False, True, 4, 4, 5, 1, 2, 384, 384, 384, (7.00, 3.01), 2.5),
    Shape("depthwise input 7x7 s2 8x8x240", False, True, 8, 4, 7, 2, 2, 240, 240, 240, (22.8, 9.54), 4.0),
    Shape("depthwise filter 3x3 s1 8x8x96", True, True, 8, 8, 3, 1, 1, 96, 192, 192, None, 2.5),
    Shape("depthwise filter 5x5 s1 4x4x192", True, True, 4, 4, 5, 1, 2, 192, 384, 384, None, 2.5),
    Shape("depthwise filter 7x7 s2 8x8x120", True, True, 8, 4, 7, 2, 2, 120, 240, 240, None, 4.0),
)


def measure(folder: pathlib.Path) -> list[dict]:
    """One row per shape and variant; counts per core and optimization."""
    cases = [(shape, variant) for shape in SHAPES for variant in shape.variants]
    rows = [_describe(shape, variant) for shape, variant in cases]
    lines = [shape.line(variant) for shape, variant in cases]
    for core in BOARDS:
        for optimization, flags in kernel_programs.OPTIMIZATIONS.items():
            counts = kernel_programs.count_instructions(core, "kernel_shapes.c", flags, lines, folder)
            for row, count in zip(rows, counts):
                row["instructions_per_mac"][f"{core} {optimization}"] = round(count / row["n_macs"], 3)
    return rows


def _describe(shape: Shape, variant: str) -> dict:
    name = variant if shape.is_filter else variant.split()[0]
    return {
        "shape": shape.name,
        "variant": name,
        "n_macs": shape.n_macs,
        "n_macs_inside": shape.n_macs_inside,
        "tiny_engine_m7": shape.tiny_engine,
        "goal": shape.goal,
        "instructions_per_mac": {},
    }


def show(rows: list[dict]) -> None:
    """Prints the figures of M7 beside TinyEngine's."""
    header = ("gradient", "weights", "-O2", "inside", "-Ofast", "TinyEngine", "goal")
    print("{:32} {:16} {:>6} {:>6} {:>6} {:>12} {:>5}".format(*header))
    for row in rows:
        slow, fast = (
            row["instructions_per_mac"][f"M7 {optimization}"] for optimization in kernel_programs.OPTIMIZATIONS
        )
        theirs = "{:.2f}/{:.2f}".format(*row["tiny_engine_m7"]) if row["tiny_engine_m7"] else "none"
        inside = slow * row["n_macs"] / row["n_macs_inside"]
        verdict = "met" if slow <= row["goal"] else "-Ofast only" if fast <= row["goal"] else "missed"
        print(
            f"{row['shape']:32} {row['variant']:16} {slow:6.2f} {inside:6.2f} {fast:6.2f} {theirs:>12}"
            f" {row['goal']:5.1f} {verdict}"
        )
