# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu inspect`: what is in a bundle, after proving that it is intact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from absl import flags

from ..command import Command

if TYPE_CHECKING:
    from ...export.ir import Graph
    from ...micro_runtime.bundle import Bundle

_N_CONSTANTS = 8


class InspectCommand(Command):
    name = "inspect"
    summary = "Validate a bundle and print what it holds: plan, ops, arena, largest constants."
    description = """
        Validates a training bundle (checksum, version, bounds, every op), allocates it in TensorFlow Lite Micro, and
        prints its settings, plan, largest constants, arena as predicted at export and as measured now, the arena over
        time, and the ops in order with the signatures.

        In the list of ops '@' marks a constant or a variable, '%' a value made at run time, '_' an omitted operand, and
        '!' an operand that the op overwrites in place.
    """
    examples = (
        "tfdgsu inspect model.tflite",
        "tfdgsu inspect model.tflite --nograph --noarena_map",
    )
    arguments = ("BUNDLE.tflite",)

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_bool("graph", True, "Print the ops in order and the signatures.", flag_values=values)
        flags.DEFINE_bool("arena_map", True, "Print the arena over time, one row per op.", flag_values=values)

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        from ..load_model import import_keras_quietly

        import_keras_quietly()
        from ...export.arena import format_arena_map, predict_arena
        from ...export.schema import read_graph
        from ...micro_runtime import Session
        from ...micro_runtime.bundle import read_bundle
        from ...sparse_update_plan import SparseUpdatePlan

        path = arguments[0]
        bundle = read_bundle(path)
        arena = Session(path).arena_report()
        graph = read_graph(bundle.data)
        _print_settings(path, bundle)
        _print_title("Plan")
        SparseUpdatePlan.from_dict(bundle.document["plan"]).summary()
        _print_title("Arena")
        print(f"predicted {arena.predicted_bytes:>12,} bytes on x86-64")
        print(f"measured  {arena.total_bytes:>12,} bytes (head {arena.head_bytes:,}, tail {arena.tail_bytes:,})")
        print(f"predicted {arena.predicted_cortex_m_bytes:>12,} bytes on a 32-bit Cortex-M")
        _print_constants(graph)
        if values.arena_map:
            _print_title("Arena over time")
            print(format_arena_map(predict_arena(bundle.data, "x86_64")))
        if values.graph:
            _print_title("Graph")
            print(graph)


def _print_title(title: str) -> None:
    print(f"\n{title}\n{'-' * len(title)}")


def _print_settings(path: str, bundle: Bundle) -> None:
    document = bundle.document
    schedule, loss, optimizer = document["schedule"], document["loss"], document["optimizer"]
    rows = {
        "file": f"{path}, {len(bundle.data):,} bytes, format {bundle.header.format_version}, intact",
        "batch size": f"{bundle.batch_size}",
        "loss": loss["name"] + (" from logits" if loss["from_logits"] else ""),
        "optimizer": f"SGD, momentum {optimizer['momentum']:g}" + (", nesterov" if optimizer["nesterov"] else ""),
        "channels": f"{schedule['policy']}, every {schedule['every']:,} steps, seed {schedule['seed']}",
        "preprocessing": json.dumps(document.get("preprocessing")),
    }
    for name, text in rows.items():
        print(f"{name:<14} {text}")


def _print_constants(graph: Graph) -> None:
    _print_title("Largest constants (flash)")
    constants = {id(t): t for op in graph.ops for t in op.inputs if t is not None and t.is_constant}
    for tensor in sorted(constants.values(), key=lambda t: (-t.data.nbytes, t.name))[:_N_CONSTANTS]:
        print(f"{tensor.data.nbytes:>12,} bytes  {tensor.name} {tensor.dtype}[{','.join(map(str, tensor.shape))}]")
