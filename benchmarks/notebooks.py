# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Measures how long each notebook in colab/ takes from top to bottom, and writes it into their README.

python benchmarks/notebooks.py
"""

import json
import os
import pathlib
import resource
import tempfile
import time

import generated_parts
import nbclient
import nbformat

from tfdgsu.atomic_write import atomic_write

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "notebooks.json"
README = ROOT / "colab" / "README.md"
SOURCE = "benchmarks/notebooks.py"


def measure(path: pathlib.Path) -> dict[str, float]:
    """Seconds of a notebook's run, with the start of its kernel: on the clock, and of all processors together."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": folder}})
        start, start_cpu = time.monotonic(), _cpu_seconds()
        client.execute()
        return {"seconds": round(time.monotonic() - start, 1), "cpu_seconds": round(_cpu_seconds() - start_cpu, 1)}


def _cpu_seconds() -> float:
    """Of ended kernels and what they started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def text_of(results: dict) -> str:
    """The sentence in the README."""
    times = ", ".join(
        f"{name} {times['seconds']:.0f} s ({times['cpu_seconds']:.0f})" for name, times in results["notebooks"].items()
    )
    return (
        f"From top to bottom, without the installation: {times}; on {results['n_cpus']} CPUs with other work on them "
        f"(load {results['load']:.0f}), and in brackets the seconds of CPU that it takes. Colab itself was not measured.\n"
    )


def main() -> None:
    paths = sorted((ROOT / "colab").glob("*.ipynb"))
    notebooks = {path.name: measure(path) for path in paths}
    results = {"notebooks": notebooks, "n_cpus": len(os.sched_getaffinity(0)), "load": round(os.getloadavg()[1], 1)}
    atomic_write(RESULTS, (json.dumps(results, indent=2) + "\n").encode())
    generated_parts.write(README, SOURCE, {"times": text_of(results)})


if __name__ == "__main__":
    main()
