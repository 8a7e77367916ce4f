# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu inspect`: what is in a bundle, after proving that it is intact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import flags

from ..command import Command

if TYPE_CHECKING:
    from ...export.ir import Graph
    from ...micro_runtime import BundleInspection

_N_CONSTANTS = 8


class InspectCommand(Command):
    name = "inspect"
    summary = "Validate a bundle and show what it holds: plan, ops, arena, weights; as text or as one HTML page."
    description = """
        Validates a training bundle or an inference model (checksum, version, bounds, every op), allocates it in TensorFlow
        Lite Micro, and prints its settings, plan, largest constants, arena as predicted at export and as measured now, the
        arena over time, and the ops in order with the signatures.

        With --output it writes all of that as one HTML page instead, with a drawing of the arena; the page needs no
        network and no other file.

        In the list of ops '@' marks a constant or a variable, '%' a value made at run time, '_' an omitted operand, and
        '!' an operand that the op overwrites in place.
    """
    examples = (
        "tfdgsu inspect model.tflite",
        "tfdgsu inspect model.tflite --output report.html",
        "tfdgsu inspect model.tflite --nograph --noarena_map",
    )
    arguments = ("BUNDLE.tflite",)

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_bool("graph", True, "Print the ops in order and the signatures.", flag_values=values)
        flags.DEFINE_bool("arena_map", True, "Print the arena over time, one row per op.", flag_values=values)
        flags.DEFINE_string("output", None, "Write a report to this HTML file instead.", flag_values=values)

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        from ..load_model import import_keras_quietly

        import_keras_quietly()
        from ...micro_runtime import inspect_bundle

        inspection = inspect_bundle(arguments[0])
        if values.output is None:
            _print_all(inspection, values)
            return
        inspection.write_html(values.output)
        _print_settings(inspection)
        _print_arena(inspection)
        print(f"Wrote {values.output}.")


def _print_all(inspection: BundleInspection, values: flags.FlagValues) -> None:
    from ...export.arena import format_arena_map

    _print_settings(inspection)
    if inspection.plan is not None:
        _print_title("Plan")
        inspection.plan.summary()
    _print_title("Arena")
    _print_arena(inspection)
    _print_constants(inspection.graph)
    if values.arena_map:
        _print_title("Arena over time")
        print(format_arena_map(inspection.arena))
    if values.graph:
        _print_title("Graph")
        print(inspection.graph)


def _print_title(title: str) -> None:
    print(f"\n{title}\n{'-' * len(title)}")


def _print_settings(inspection: BundleInspection) -> None:
    for name, text in inspection.settings().items():
        print(f"{name:<14} {text}")


def _print_arena(inspection: BundleInspection) -> None:
    arena = inspection.measured
    print(f"predicted {arena.predicted_bytes:>12,} bytes on x86-64")
    print(f"measured  {arena.total_bytes:>12,} bytes (head {arena.head_bytes:,}, tail {arena.tail_bytes:,})")
    print(f"predicted {arena.predicted_cortex_m_bytes:>12,} bytes on a 32-bit Cortex-M")


def _print_constants(graph: Graph) -> None:
    _print_title("Largest constants (flash)")
    constants = {id(t): t for op in graph.ops for t in op.inputs if t is not None and t.is_constant}
    for tensor in sorted(constants.values(), key=lambda t: (-t.data.nbytes, t.name))[:_N_CONSTANTS]:
        print(f"{tensor.data.nbytes:>12,} bytes  {tensor.name} {tensor.dtype}[{','.join(map(str, tensor.shape))}]")
