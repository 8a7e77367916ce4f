# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""First op of every bundle: fills the variables from their factory values."""

from .base import CustomOp, Field, Operand


class LoadVariables(CustomOp):
    """Copies factory_i to var_i at the first invoke after init or reset.

    TFLM zeroes variables at reset and drops the data of a variable's own buffer, so
    the start values live in separate constants. Ignores `train`; needs a 4-byte flag.
    """

    NAME = "TfdgsuLoadVariables"
    OPTIONS = (Field("n_variables", "i"),)
    INPUTS = (Operand("factory", "any"), Operand("var", "any"))

    @classmethod
    def operands(cls, options):
        n = options["n_variables"]
        return tuple(Operand(f"factory_{i}", "any") for i in range(n)) + tuple(
            Operand(f"var_{i}", "any") for i in range(n)
        )

    @classmethod
    def mutates(cls, options):
        n = options["n_variables"]
        return tuple(range(n, 2 * n))

    @classmethod
    def check(cls, inputs, outputs, options):
        n = options["n_variables"]
        cls.require(n >= 1, "n_variables must be positive", n)
        cls.require(len(inputs) == 2 * n, f"needs {2 * n} inputs", len(inputs))
        cls.require(not outputs, "has no outputs", len(outputs))
        for i in range(n):
            cls.require(inputs[i] is not None and inputs[n + i] is not None, "inputs must be present", i)
            cls.require(
                inputs[i] == inputs[n + i],
                f"factory_{i} and var_{i} must agree in shape and dtype",
                (inputs[i], inputs[n + i]),
            )

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        del output_shapes
        n = options["n_variables"]
        for factory, variable in zip(inputs[:n], inputs[n:]):
            variable[...] = factory
        return []
