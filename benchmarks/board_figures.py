# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the sections of micro_runtime/README.md on what a bundle and what a kernel costs, from stored results.

python benchmarks/board_figures.py
"""

import json
import pathlib
import textwrap

import generated_parts
import kernel_figures

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "micro_runtime" / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
SOURCE = "benchmarks/board_figures.py from benchmarks/results/"
_WIDTH = 120
_TITLES = {
    "digits_int8": "digits, int8",
    "digits_float32": "digits, float32",
    "mobilenet_int8": "MobileNetV2, int8",
}


def format_section(results: dict) -> str:
    """The section's tables and sentences."""
    titled = [(_TITLES[name], bundle) for name, bundle in results["bundles"].items()]
    n_builtin = _join((title, _format_builtin(bundle)) for title, bundle in titled)
    counted = (
        "Training step, inference: instructions in this library's ops with -O2, and with -Os in brackets. TFLM's own ops, "
        f"which both run, come on top: {n_builtin}. Counted with {' and '.join(results['tools'])}."
    )
    seldom = (
        f"On M4F, a step that draws channels takes {_format_draws(titled)} instructions more, and loading the variables "
        f"at the first run {_format_loads(titled)}."
    )
    memory = (
        "Arena: bytes that `tfdgsu codegen` gives for Cortex-M. Stack: bytes measured with -O2 in the deepest op, on M4F "
        f"{_format_deepest(titled)}; what calls the op comes on top."
    )
    code = (
        "Code: bytes of flash with -Os of the bundle's kernels and adapters and of what they call in the C library. "
        + _format_limit(titled, results["code_limit_bytes"])
    )
    bits = (
        "Bits of x86-64: yes if all ops of two training steps and an inference leave the bytes on the emulated core, with "
        "-O2 and with -Os, that they leave in TFLM on x86-64. The NumPy references have the same bits in "
        f"{_format_numpy(titled)}."
    )
    lines = [
        "| bundle | core | training step | inference | arena + stack | code | bits of x86-64 |",
        "|---|---|---:|---:|---:|---:|---|",
        *(_format_row(title, core, bundle) for title, bundle in titled for core in bundle["cores"]),
        "",
        *(_wrap(text) for text in (counted, seldom, memory, code, bits)),
        "",
    ]
    return "\n".join(lines)


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def _format_row(title: str, core: str, bundle: dict) -> str:
    fast, small = bundle["cores"][core]["-O2"], bundle["cores"][core]["-Os"]
    step, inference = (f"{fast['instructions'][run]:,} ({small['instructions'][run]:,})" for run in ("train", "infer"))
    n_differing = fast["n_bytes_differing"] + small["n_bytes_differing"]
    compared = f"{bundle['n_ops_compared']} ops, {bundle['n_output_bytes_compared']:,} bytes"
    same = f"no: {n_differing:,} bytes differ" if n_differing else f"yes: {compared}"
    ram = f"{bundle['arena_bytes_cortex_m']:,} + {fast['stack_bytes']:,}"
    return f"| {title} | {core} | {step} | {inference} | {ram} | {_code_bytes(bundle, core):,} | {same} |"


def _format_builtin(bundle: dict) -> str:
    return ", ".join(f"{n} {name}" for name, n in bundle["builtin_ops"].items())


def _format_draws(titled: list) -> str:
    counts = [(title, bundle["cores"]["M4F"]["-O2"]["instructions"]) for title, bundle in titled]
    return _join((title, f"{count['draw'] - count['train']:,}") for title, count in counts)


def _format_loads(titled: list) -> str:
    return _join((title, f"{bundle['cores']['M4F']['-O2']['instructions']['load']:,}") for title, bundle in titled)


def _format_deepest(titled: list) -> str:
    return _join((title, f"`{bundle['cores']['M4F']['-O2']['deepest_op']}`") for title, bundle in titled)


def _format_limit(titled: list, limit: int) -> str:
    above = [title for title, bundle in titled if _code_bytes(bundle, "M4F") > limit]
    if above:
        return f"On M4F these take more than the limit of {limit:,}: {'; '.join(above)}."
    return f"On M4F all are within the limit of {limit:,}."


def _format_numpy(titled: list) -> str:
    return _join(
        (title, f"{bundle['n_ops_with_bits_of_numpy']} of {bundle['n_ops_compared']} ops") for title, bundle in titled
    )


def _join(parts) -> str:
    return "; ".join(f"{value} ({title})" for title, value in parts)


def _code_bytes(bundle: dict, core: str) -> int:
    size = bundle["code_bytes_os"][core]
    return size["own"] + size["library"]


def read_parts() -> dict[str, str]:
    """The generated parts of the page by name."""
    boards, kernels = (json.loads((RESULTS / name).read_text()) for name in ("boards.json", "kernels.json"))
    return {"boards": format_section(boards), "kernels": kernel_figures.format_section(kernels)}


if __name__ == "__main__":
    generated_parts.write(README, SOURCE, read_parts())
