# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Times a sparse training step against dense full fine-tuning, in one run, and measures peak memory.

MobileNetV2 of width 0.35 at 128x128, batch 32. The sparse step updates at most 2% of the convolution weights, spread over
the last ten blocks, with biases and the whole head. Dense fine-tuning is measured twice: of the original model with batch
normalization in training mode, which is what people run, and of the batch-norm-folded model, which isolates the method.

Steps are interleaved, so a busy machine slows all of them down alike; the ratio of medians is the result. Peak memory is
that of a process of its own per variant: growth of the resident set during steps at batch 32, after the step was traced
and run at batch 1.

    python benchmarks/keras_step.py --output=benchmarks/results/keras_step.json
"""

import json
import os
import statistics
import subprocess
import sys
import time

from absl import app, flags

VARIANTS = ("sparse", "dense", "dense_folded")
IMAGE_SIZE = 128
BATCH_SIZE = 32
N_CLASSES = 10
N_BLOCKS = 17
N_UPDATED_BLOCKS = 10
UPDATE_FRACTION = 0.02
TARGET_RATIO = 2.5

_OUTPUT = flags.DEFINE_string("output", "benchmarks/results/keras_step.json", "Where to write the results.")
_N_STEPS = flags.DEFINE_integer("n_steps", 40, "Timed steps per variant.", lower_bound=1)
_N_WARM_UP = flags.DEFINE_integer("n_warm_up", 5, "Steps per variant in front of the timed ones.", lower_bound=1)
_MEMORY_OF = flags.DEFINE_enum(
    "memory_of", None, VARIANTS, "Only print the peak memory of one variant, in this process."
)


def make_plan(model):
    """Returns a plan that updates at most UPDATE_FRACTION of the convolution weights, all of them in the last ten blocks."""
    import math

    import tfdgsu
    from tfdgsu.allocation import allocate

    every_convolution = tfdgsu.plan(model, update_fraction=0.0, n_layers=3 * N_BLOCKS + 1, train_head=False).layers
    first = N_BLOCKS - N_UPDATED_BLOCKS
    prefixes = tuple(f"block_{block}_" for block in range(first, N_BLOCKS))
    chosen = [layer for layer in every_convolution if layer.name.startswith(prefixes)]
    n_weights = UPDATE_FRACTION * sum(math.prod(layer.kernel_shape) for layer in every_convolution)
    n_selected = allocate([layer.kernel_shape for layer in chosen], n_weights)
    return tfdgsu.plan(model, layers=dict(zip([layer.name for layer in chosen], n_selected, strict=True)))


def make_variant(name: str):
    """Returns the compiled Keras model of one variant."""
    import keras

    import tfdgsu
    from tfdgsu.prepare import prepare

    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((IMAGE_SIZE, IMAGE_SIZE, 3), alpha=0.35, weights=None, classes=N_CLASSES)
    if name == "sparse":
        model = tfdgsu.SparseUpdateModel(model, make_plan(model))
    elif name == "dense_folded":
        model = prepare(model)
    # Every variant runs on the same native kernels.
    model.compile(keras.optimizers.SGD(1e-4), loss="sparse_categorical_crossentropy", jit_compile=False)
    return model


def make_step(model, batch_sizes):
    """Returns a function that runs one training step and waits for it; batches come in the given sizes, the last forever."""
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x = rng.standard_normal((max(batch_sizes), IMAGE_SIZE, IMAGE_SIZE, 3)).astype(np.float32)
    y = rng.integers(0, N_CLASSES, max(batch_sizes)).astype(np.int32)

    def batches():
        for size in batch_sizes[:-1]:
            yield x[:size], y[:size]
        while True:
            yield x[: batch_sizes[-1]], y[: batch_sizes[-1]]

    signature = (tf.TensorSpec((None, *x.shape[1:]), tf.float32), tf.TensorSpec((None,), tf.int32))
    iterator = iter(tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2))
    model.make_train_function()

    def step() -> float:
        return float(model.train_function(iterator)["loss"])

    return step


def peak_memory_bytes(name: str) -> int:
    """Returns how far the resident set grows during steps at BATCH_SIZE; Linux only."""
    step = make_step(make_variant(name), [1, 1, BATCH_SIZE])
    step()
    step()
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")  # Resets the peak; see proc(5).
    before = _status_bytes("VmRSS")
    for _ in range(3):
        step()
    return _status_bytes("VmHWM") - before


def _status_bytes(field: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def measure_in_own_process(name: str) -> int:
    command = [sys.executable, __file__, f"--memory_of={name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


def time_steps(n_warm_up: int, n_steps: int) -> tuple[dict[str, list[float]], dict]:
    """Returns seconds per step by variant, interleaved, and what the sparse variant updates."""
    models = {name: make_variant(name) for name in VARIANTS}
    steps = {name: make_step(model, [BATCH_SIZE]) for name, model in models.items()}
    seconds = {name: [] for name in VARIANTS}
    for number in range(n_warm_up + n_steps):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if number >= n_warm_up:
                seconds[name].append(time.perf_counter() - start)
        if sys.stderr.isatty():
            print(f"\rstep {number + 1}/{n_warm_up + n_steps}", end="", file=sys.stderr)
    plan = models["sparse"].plan
    described = {
        "update_fraction": plan.update_fraction,
        "n_update_layers": len(plan.layers),
        "layers": {layer.name: [layer.n_selected, layer.n_channels] for layer in plan.layers},
    }
    return seconds, described


def main(argv):
    del argv
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if _MEMORY_OF.value:
        print(peak_memory_bytes(_MEMORY_OF.value))
        return
    import keras
    import tensorflow as tf

    from tfdgsu.atomic_write import atomic_write

    memory = {name: measure_in_own_process(name) for name in VARIANTS}
    seconds, plan = time_steps(_N_WARM_UP.value, _N_STEPS.value)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    results = {
        "what": f"MobileNetV2 width 0.35, {IMAGE_SIZE}x{IMAGE_SIZE}, batch {BATCH_SIZE}, float32, SGD, CPU",
        "n_cpus": len(os.sched_getaffinity(0)),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "plan": plan,
        "n_steps": _N_STEPS.value,
        "median_step_ms": {name: 1e3 * median for name, median in medians.items()},
        "fastest_step_ms": {name: 1e3 * min(values) for name, values in seconds.items()},
        "peak_memory_bytes": memory,
        "speedup_over_dense": medians["dense"] / medians["sparse"],
        "speedup_over_dense_folded": medians["dense_folded"] / medians["sparse"],
        "target_speedup_over_dense": TARGET_RATIO,
    }
    os.makedirs(os.path.dirname(os.path.abspath(_OUTPUT.value)), exist_ok=True)
    atomic_write(_OUTPUT.value, (json.dumps(results, indent=2) + "\n").encode())
    print(json.dumps({key: value for key, value in results.items() if key != "plan"}, indent=2))
    if results["speedup_over_dense"] < TARGET_RATIO:
        raise SystemExit(f"A sparse step must be {TARGET_RATIO} times as fast as a dense one; see the numbers above.")


if __name__ == "__main__":
    app.run(main)
