# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What is in a bundle: read, checked, allocated, and put together for who wants to look."""

import dataclasses
import json
import os

from ..atomic_write import atomic_write
from ..export.arena import ArenaPrediction, predict_arena
from ..export.ir import Graph
from ..export.schema import read_graph
from ..sparse_update_plan import SparseUpdatePlan
from .arena_report import ArenaReport
from .bundle import MAX_TENSOR_BYTES
from .errors import REMEDY, ArenaError, BundleError
from .interpreter import Interpreter
from .program import Program, read_program


@dataclasses.dataclass(frozen=True)
class BundleInspection:
    """A training bundle or an inference model of this package, opened.

    Attributes:
        path: The file.
        program: Its bytes, tensors, ops, signatures and metadata.
        graph: The same as ops and tensors that refer to each other, options decoded.
        plan: What a training step updates; None for an inference model.
        arena: Predicted arena of x86-64, buffer by buffer.
        arena_cortex_m: The same for a 32-bit Cortex-M with TFLM's reference kernels.
        measured: What TFLM's recording allocator counted in this process, beside the predictions that the file states
            (an inference model states none: those made now).
    """

    path: str
    program: Program
    graph: Graph
    plan: SparseUpdatePlan | None
    arena: ArenaPrediction
    arena_cortex_m: ArenaPrediction
    measured: ArenaReport

    @property
    def trains(self) -> bool:
        """Whether it is a training bundle."""
        return self.program.bundle is not None

    @property
    def dtype(self) -> str:
        """The dtype that the network's input has, "float32" or "int8"."""
        return self.program.model.tensors[self.program.model.signatures["infer"][0]["x"]].dtype

    def settings(self) -> dict[str, str]:
        """How the bundle trains, each setting in words."""
        n_bytes, bundle = len(self.program.data), self.program.bundle
        if bundle is None:
            return {"file": f"{self.path}, {n_bytes:,} bytes, intact", "kind": "inference model, trains nothing"}
        document = bundle.document
        schedule, loss, optimizer = document["schedule"], document["loss"], document["optimizer"]
        rounding, preprocessing = document.get("rounding"), document.get("preprocessing")
        return {
            "file": f"{self.path}, {n_bytes:,} bytes, format {bundle.header.format_version}, intact",
            "batch size": f"{bundle.batch_size}",
            "loss": loss["name"] + (" from logits" if loss["from_logits"] else ""),
            "optimizer": _describe_optimizer(optimizer),
            "channels": f"{schedule['policy']}, every {schedule['every']:,} steps, seed {schedule['seed']}",
            **({"rounding": str(rounding)} if self.dtype == "int8" and rounding else {}),
            "preprocessing": "not stated" if preprocessing is None else json.dumps(preprocessing),
        }

    def to_html(self) -> str:
        """The report as one HTML page that needs nothing else: no network, no other file."""
        from .html_report import render_report

        return render_report(self)

    def write_html(self, path: str | os.PathLike) -> None:
        """Writes the report into a file: it is the old one or the new one, never a part.

        Raises:
            OSError: The file can't be written.
            ValueError: It is the bundle itself.
        """
        if os.path.exists(path) and os.path.samefile(path, self.path):
            raise ValueError(
                "A report goes into a file of its own. "
                f"Received: {os.fspath(path)!r}, the bundle. Remedy: give another name, such as 'report.html'."
            )
        atomic_write(path, self.to_html().encode())


def _describe_optimizer(optimizer: dict) -> str:
    momentum = f"momentum {optimizer['momentum']:g}"
    if optimizer.get("name") == "LARS":
        return f"LARS, {momentum}, trust coefficient {optimizer['trust_coefficient']:g}, beta {optimizer['beta']:g}"
    return f"SGD, {momentum}" + (", nesterov" if optimizer["nesterov"] else "")


def inspect_bundle(path: str | os.PathLike) -> BundleInspection:
    """Opens a bundle, proves that it is intact, and has TFLM allocate it.

    Example:
        inspection = tfdgsu.micro_runtime.inspect_bundle("model.tflite")
        print(inspection.arena.peak_op, inspection.measured.total_bytes)
        inspection.write_html("report.html")
        tfdgsu.plots.arena(inspection)

    Args:
        path: A file of `export_training_bundle` or `export_inference_model`.

    Raises:
        OSError: The file can't be read.
        BundleError: It is damaged, or no bundle.
        ArenaError: It needs an arena of more than 1 GiB.
        InterpreterError: TFLM can't allocate it.
        ImportError: The wrong tflite-micro is installed, or the plugin is not built.
    """
    program = read_program(path)
    if "x" not in program.model.signatures.get("infer", ({}, {}))[0]:
        raise BundleError(
            "File must be a bundle, with a signature 'infer' that takes 'x'. "
            f"Received: signatures {sorted(program.model.signatures)}. Remedy: export it with tfdgsu.export."
        )
    arena, arena_cortex_m = (predict_arena(program.data, target) for target in ("x86_64", "cortex_m"))
    return BundleInspection(
        path=os.fspath(path),
        program=program,
        graph=read_graph(program.data),
        plan=_read_plan(program),
        arena=arena,
        arena_cortex_m=arena_cortex_m,
        measured=_measure(program, arena, arena_cortex_m),
    )


def _read_plan(program: Program) -> SparseUpdatePlan | None:
    if program.bundle is None:
        return None
    try:
        return SparseUpdatePlan.from_dict(program.bundle.document["plan"])
    except (TypeError, ValueError) as error:
        raise BundleError(f"Bundle's metadata must hold a plan. Received: {error} {REMEDY}") from error


def _measure(program: Program, arena: ArenaPrediction, arena_cortex_m: ArenaPrediction) -> ArenaReport:
    arena_bytes = program.arena_bytes[0]
    if arena_bytes > MAX_TENSOR_BYTES:
        raise ArenaError(
            f"Arena must be at most {MAX_TENSOR_BYTES:,} bytes to be measured. Received: a need of {arena_bytes:,}. {REMEDY}"
        )
    usage = Interpreter(program.data, arena_bytes).arena_usage()
    if program.bundle is None:
        return ArenaReport(*usage, arena_bytes, arena.total_bytes, arena_cortex_m.total_bytes)
    header = program.bundle.header
    return ArenaReport(*usage, arena_bytes, header.arena_bytes_x86_64, header.arena_bytes_cortex_m)
