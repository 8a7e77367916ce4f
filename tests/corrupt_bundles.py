# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Opens corrupted copies of a bundle. Run as a process of its own, so that a crash is seen as one.

python corrupt_bundles.py BUNDLE COUNT SEED {damaged,resealed} PROGRESS_FILE

Prints how many were refused and how many loaded, as JSON. The progress file names the case at work.
"""

import json
import pathlib
import sys

import numpy as np
from tfdgsu.export.metadata import BundleError, seal
from tfdgsu.micro_runtime import ArenaError, InterpreterError, NonFiniteLossError, Session

CLEAN_ERRORS = (BundleError, ArenaError, InterpreterError)
_TELLING = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def corrupt(data, rng):
    """One corrupted copy: flipped bits, a cut, a repeated end, swapped or telling words. Never the original."""
    broken = bytearray(data)
    kind = rng.integers(6)
    if kind == 0:
        for _ in range(rng.integers(1, 5)):
            broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
    elif kind == 1:
        del broken[rng.integers(len(broken)) :]
    elif kind == 2:
        broken += broken[rng.integers(len(broken)) :]
    elif kind == 3:
        first, second = 4 * rng.integers(len(broken) // 4, size=2)
        broken[first : first + 4], broken[second : second + 4] = broken[second : second + 4], broken[first : first + 4]
    elif kind == 4:
        at = 4 * rng.integers(len(broken) // 4)
        broken[at : at + 4] = int(rng.choice(_TELLING)).to_bytes(4, "little")
    else:
        at = 2 * rng.integers(len(broken) // 2)
        broken[at : at + 2] = int(rng.integers(64)).to_bytes(2, "little")
    return bytes(broken) if bytes(broken) != data else corrupt(data, rng)


def reseal(data):
    """The copy with length and checksum made right, so that only the structure can be refused."""
    try:
        return seal(data)
    except BundleError:  # the header itself is gone, or there are two
        return data


def run_some_steps(session):
    """Uses what loaded: it must not crash either. Errors are as good as results."""
    shapes = [session._bundle.inputs[name].shape for name in ("x", "y")]
    x, y = np.ones(shapes[0], np.float32), np.zeros(shapes[1], np.int32)
    try:
        session.infer(x)
        session.train(x, y, 0.01)
        session.variables()
        session.reset()
    except (InterpreterError, NonFiniteLossError, TypeError, ValueError):
        pass


def main(bundle, count, seed, mode, progress_file):
    data, rng = pathlib.Path(bundle).read_bytes(), np.random.default_rng(int(seed))
    case = pathlib.Path(bundle).with_name(f"corrupt_{mode}.tflite")
    counts = {"refused": 0, "loaded": 0}
    for i in range(int(count)):
        broken = corrupt(data, rng)
        case.write_bytes(reseal(broken) if mode == "resealed" else broken)
        pathlib.Path(progress_file).write_text(f"case {i} of seed {seed}, kept in {case}")
        try:
            session = Session(case)
        except CLEAN_ERRORS as error:
            if "Received" not in str(error):
                raise
            counts["refused"] += 1
        else:
            counts["loaded"] += 1
            run_some_steps(session)
    print(json.dumps(counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
