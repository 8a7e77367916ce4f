# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the quickstart and stores what it found.

python benchmarks/quickstart.py --output=benchmarks/results/quickstart.json
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from absl import app, flags

_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/quickstart.json", "Where to write the result.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"No arguments expected. Received: {argv[1:]}")
    with tempfile.TemporaryDirectory() as out_dir:
        start_s = time.monotonic()
        # A process of its own, so that the duration is what a user waits.
        subprocess.run([sys.executable, "-m", "tfdgsu.cli.main", "quickstart", "--out_dir", out_dir], check=True)
        duration_s = time.monotonic() - start_s
        result = json.loads((pathlib.Path(out_dir) / "quickstart.json").read_text())
    document = {"n_cpus": len(os.sched_getaffinity(0)), "duration_s": round(duration_s, 1), **result}
    pathlib.Path(_OUTPUT.value).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)
