# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Times the int8 convolutions of MobileNetV2 as builtin ops of the tflite-micro wheel and as fused ops, in one run.

The network has width 0.35 and sees 128x128 images. Its convolutions are timed block by block, the first seven together
(those in front of the last ten blocks, which `keras_step.py` updates), and all seventeen. Both variants run in the same
interpreter on the same images, take turns, and must give the same bits. Medians of the thread's CPU time are compared.

    python benchmarks/frozen_blocks.py --data_dir=DATA
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from tfdgsu.export.ir import Graph
from tfdgsu.export.passes import fuse_conv_blocks
from tfdgsu.export.schema import read_graph, write_graph
from tfdgsu.micro_runtime.interpreter import Interpreter

from tfdgsu.atomic_write import atomic_write

TESTS = pathlib.Path(__file__).resolve().parents[1] / "tests"  # where the network is put together
KIND = "TfdgsuConvBlock"
N_FROZEN = 7
TARGET_RATIO = 4.0
ARENA_BYTES = 1 << 20

_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder with the int8 network. Default: TFDGSU_DATA_DIR.")
_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/frozen_blocks.json", "Where to write the results.")
_N_RUNS = flags.DEFINE_integer("n_runs", 9, "Timed runs per variant.", lower_bound=1)
_COUNT = flags.DEFINE_enum(
    "count", None, ["builtin", "fused"], "Only run one variant of all blocks `n_runs` times, for perf to count."
)


def make_network() -> bytes:
    """The network with builtin ops only."""
    sys.path.append(str(TESTS))
    from stock_mobilenet import make_stock_mobilenet

    folder = _DATA_DIR.value or os.environ.get("TFDGSU_DATA_DIR")
    if not folder:
        raise app.UsageError("Needs the network's folder. Remedy: give --data_dir or set TFDGSU_DATA_DIR.")
    return make_stock_mobilenet(pathlib.Path(folder))


def block_ends(network: bytes) -> list[tuple[str, str]]:
    """Names of input and output of each block that the pass makes, in order."""
    fused = fuse_conv_blocks.run(read_graph(network))
    return [(op.inputs[1].name, op.outputs[0].name) for op in fused.ops if op.kind == KIND]


def make_part(network: bytes, first: str, last: str, is_fused: bool) -> bytes:
    """The network from tensor `first` to tensor `last`."""
    graph = read_graph(network)
    tensors = {tensor.name: tensor for tensor in graph.tensors()}
    x, y = tensors[first], tensors[last]
    producer = graph.producer(x)
    begin = 0 if producer is None else graph.index(producer) + 1
    part = Graph(graph.ops[begin : graph.index(graph.producer(y)) + 1], [x], [y])
    if is_fused:
        part = fuse_conv_blocks.run(part)
        part.make_names_unique()
    return write_graph(part)


class Variant:
    """A part of the network in an interpreter, and how long its runs took."""

    def __init__(self, model: bytes):
        self._interpreter = Interpreter(model, ARENA_BYTES)
        shape = read_graph(model).inputs[0].shape
        self._x = np.random.default_rng(0).integers(-128, 128, shape, np.int8)
        self.seconds: list[float] = []

    def run(self) -> np.ndarray:
        """Runs once; the result."""
        self._interpreter.set_input(0, self._x)
        start = time.thread_time()
        self._interpreter.invoke()
        self.seconds.append(time.thread_time() - start)
        return self._interpreter.get_output(0)


def compare(network: bytes, first: str, last: str) -> dict:
    """Times a part of the network in both variants, in turns."""
    variants = [Variant(make_part(network, first, last, is_fused)) for is_fused in (False, True)]
    is_identical = True
    for i in range(_N_RUNS.value + 1):
        expected, actual = (variant.run() for variant in variants)
        is_identical &= bool(np.array_equal(expected, actual))
        if i == 0:
            for variant in variants:
                variant.seconds.clear()  # warm-up
    builtin, fused = (statistics.median(variant.seconds) for variant in variants)
    return {
        "builtin_ms": round(1e3 * builtin, 3),
        "fused_ms": round(1e3 * fused, 4),
        "ratio": round(builtin / fused, 1),
        "is_bit_identical": is_identical,
    }


def count_instructions(variant: str) -> int | None:
    """Instructions of one run of all blocks, by `perf stat`: of many runs less one, so that start-up cancels out."""
    counts = []
    for n_runs in (1, 1 + _N_RUNS.value):
        command = [sys.executable, __file__, f"--count={variant}", f"--n_runs={n_runs}"]
        if _DATA_DIR.value:
            command.append(f"--data_dir={_DATA_DIR.value}")
        perf = ["perf", "stat", "-x,", "-e", "instructions:u"]
        try:
            done = subprocess.run([*perf, *command], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        fields = [line.split(",") for line in done.stderr.splitlines() if "instructions" in line]
        if not fields or not fields[0][0].isdigit():
            return None
        counts.append(int(fields[0][0]))
    return (counts[1] - counts[0]) // _N_RUNS.value


def run_benchmark() -> dict:
    """All comparisons, in the form of the results file."""
    network = make_network()
    ends = block_ends(network)
    results = {
        "network": "MobileNetV2, width 0.35, 128x128, int8",
        "n_runs": _N_RUNS.value,
        "target_ratio": TARGET_RATIO,
        "frozen_blocks": compare(network, ends[0][0], ends[N_FROZEN - 1][1]) | {"n_blocks": N_FROZEN},
        "all_blocks": compare(network, ends[0][0], ends[-1][1]) | {"n_blocks": len(ends)},
        "blocks": [compare(network, first, last) for first, last in ends],
    }
    instructions = {variant: count_instructions(variant) for variant in ("builtin", "fused")}
    if all(instructions.values()):
        results["all_blocks"]["instructions"] = instructions
    return results


def show(name: str, result: dict) -> None:
    """Prints one comparison."""
    same = "same bits" if result["is_bit_identical"] else "OTHER BITS"
    print(f"{name:10} {result['builtin_ms']:9.2f} ms {result['fused_ms']:8.3f} ms  {result['ratio']:6.1f}x  {same}")


def main(_) -> None:
    if _COUNT.value:
        network = make_network()
        ends = block_ends(network)
        variant = Variant(make_part(network, ends[0][0], ends[-1][1], _COUNT.value == "fused"))
        for _ in range(_N_RUNS.value):
            variant.run()
        return
    results = run_benchmark()
    print(f"{'':10} {'builtin':>12} {'fused':>11}")
    for i, block in enumerate(results["blocks"]):
        show(f"block {i}", block)
    show(f"first {N_FROZEN}", results["frozen_blocks"])
    show("all", results["all_blocks"])
    atomic_write(_OUTPUT.value, (json.dumps(results, indent=2) + "\n").encode())
    parts = [results["frozen_blocks"], results["all_blocks"], *results["blocks"]]
    if not all(part["is_bit_identical"] for part in parts):
        sys.exit("The fused ops must give the builtin ops' bits.")


if __name__ == "__main__":
    app.run(main)
