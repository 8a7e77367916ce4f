# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Counts what kernels cost on emulated Cortex-M cores: instructions per multiply-accumulate, and code size.

python benchmarks/kernels.py
"""

import json
import pathlib
import tempfile

import forward_shapes
import gradient_shapes
import kernel_programs
from absl import app, flags
from tfdgsu.micro_runtime.emulator import BOARDS, missing_tools

from tfdgsu.atomic_write import atomic_write

PARTS = {"gradient": gradient_shapes, "forward": forward_shapes}
CODE_LIMIT_BYTES = 40 * 1024

_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/kernels.json", "Where to write the results.")
_PARTS = flags.DEFINE_multi_enum("part", list(PARTS), list(PARTS), "What to measure.")


def measure_code(folder: pathlib.Path) -> dict:
    """Bytes at -Os: of all kernels in the core's own build, and in a portable one."""
    code = {}
    for core in BOARDS:
        for build, build_flags in forward_shapes.BUILDS.items():
            sizes = kernel_programs.code_bytes(core, build_flags, folder)
            code[f"{core} {build}"] = {"total": sum(sizes.values()), "kernels": sizes}
    return code


def main(_) -> None:
    if missing_tools():
        raise app.UsageError(f"This benchmark {missing_tools()}.")
    results = {"flags": kernel_programs.OPTIMIZATIONS}
    with tempfile.TemporaryDirectory() as name:
        for part in _PARTS.value:
            results[part] = PARTS[part].measure(pathlib.Path(name))
            PARTS[part].show(results[part])
        results["code_bytes_os"] = measure_code(pathlib.Path(name))
    for build, code in results["code_bytes_os"].items():
        print(f"code of all {len(code['kernels'])} kernels at -Os, {build}, without adapters: {code['total']} bytes")
    print(f"(the limit of {CODE_LIMIT_BYTES} is for one bundle's kernels with their adapters)")
    results["code_limit_of_one_bundle_with_adapters"] = CODE_LIMIT_BYTES
    atomic_write(_OUTPUT.value, (json.dumps(results, indent=2) + "\n").encode())


if __name__ == "__main__":
    app.run(main)
