# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu codegen`: from a bundle to the files that firmware compiles."""

from __future__ import annotations

from absl import flags

from ..command import Command


class CodegenCommand(Command):
    name = "codegen"
    summary = "Write the C++ that firmware needs for a bundle: its bytes, its ops, its arena."
    description = """
        Validates a training bundle and writes three files: NAME.h with the arena's size on both targets, NAME_data.c with
        the bundle as an aligned array, NAME_ops.cc with an op resolver that knows the bundle's ops and no others.

        Compile them together with micro_runtime/trainer, kernels and tflm, and with your own TensorFlow Lite Micro.
    """
    examples = (
        "tfdgsu codegen model.tflite --out firmware/generated",
        "tfdgsu codegen model.tflite --out firmware/generated --name digits",
    )
    arguments = ("BUNDLE.tflite",)

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string("out", ".", "The folder to write into; made if it does not exist.", flag_values=values)
        flags.DEFINE_string(
            "name", None, "What files and symbols start with. Default: the bundle's file name.", flag_values=values
        )

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        from ..load_model import import_keras_quietly

        import_keras_quietly()
        from ...micro_runtime.codegen import generate_code

        code = generate_code(arguments[0], values.out, values.name)
        print("\n".join(map(str, code.paths)))
        print(f"{len(code.builtin_ops)} builtin ops: {', '.join(code.builtin_ops)}")
        print(f"{len(code.custom_ops)} custom ops: {', '.join(code.custom_ops)}")
        print(f"arena {code.x86_64_arena_bytes:>12,} bytes on x86-64")
        print(f"arena {code.cortex_m_arena_bytes:>12,} bytes on a 32-bit Cortex-M")
