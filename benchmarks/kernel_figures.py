# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The section of micro_runtime/README.md on instructions per multiply-accumulate, from the stored result of kernels.py."""


def format_section(results: dict) -> str:
    """The section's tables."""
    lines = [
        "| gradient, portable C on M7 | weights | -O2 | -Ofast | TinyEngine -O2 / -Ofast | goal at -O2 |",
        "|---|---|---:|---:|---:|---|",
        *map(_format_gradient, results["gradient"]),
        "",
        "| int8 convolution, -O2 | M4F portable / DSP | M7 portable / DSP | M55 portable / Helium |",
        "|---|---:|---:|---:|",
        *map(_format_forward, results["forward"]),
        "",
    ]
    return "\n".join(lines)


def _format_gradient(row: dict) -> str:
    counts = [row["instructions_per_mac"][f"M7 {name}"] for name in ("-O2", "-Ofast")]
    theirs = "{:.2f} / {:.2f}".format(*row["tiny_engine_m7"]) if row["tiny_engine_m7"] else "has none"
    verdict = "met" if counts[0] <= row["goal"] else "missed"
    ours = " | ".join(f"{count:.2f}" for count in counts)
    return f"| {row['shape']} | {row['variant']} | {ours} | {theirs} | {row['goal']:.1f} {verdict} |"


def _format_forward(row: dict) -> str:
    cells = []
    for core in ("M4F", "M7", "M55"):
        portable, variant = (row["instructions_per_mac"][f"{core} {build}"] for build in ("portable", "variant"))
        cells.append(f"{portable:.2f} / {variant:.2f} ({portable / variant:.1f}x)")
    return f"| {row['shape']} | {' | '.join(cells)} |"
