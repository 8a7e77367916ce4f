# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a custom op is: its name, tensors, options, shape rule and NumPy reference.

The definitions need NumPy only, so that a build without TensorFlow can load them
and generate the C structs of the options (`generate_options.py`).
"""

import struct
from typing import ClassVar, NamedTuple

OPTIONS_VERSION = 1


class Field(NamedTuple):
    """One 4-byte option. `kind` is `i` (int32), `u` (uint32) or `f` (float32)."""

    name: str
    kind: str


class Operand(NamedTuple):
    """One input or output: name, NumPy dtype name, and whether it may be absent.

    A tuple of dtypes leaves the choice to the file; all operands of an op that do so must choose the same.
    """

    name: str
    dtype: str | tuple[str, ...] = "float32"
    optional: bool = False


class TensorSpec(NamedTuple):
    """Shape and NumPy dtype name of an actual tensor."""

    shape: tuple[int, ...]
    dtype: str = "float32"


TRAIN = Operand("train", "int32")
LEARNING_RATE = Operand("lr")
FLOAT_OR_INT8 = ("float32", "int8")


class CustomOp:
    """Base of every custom op definition; subclasses are never instantiated.

    Attributes:
        NAME: the custom op string in the file.
        OPTIONS: fields of the option struct after its leading `version`.
        INPUTS, OUTPUTS: operands in order. An absent optional input has index -1.
        MUTATES: positions of the inputs that the op writes in place.
        MAY_OVERWRITE: (output, input) positions that may have one address, as the contract in `kernels.h` says: the
            kernel reads an element of the input before it writes the one in its place.
    """

    NAME: ClassVar[str]
    OPTIONS: ClassVar[tuple[Field, ...]] = ()
    INPUTS: ClassVar[tuple[Operand, ...]]
    OUTPUTS: ClassVar[tuple[Operand, ...]] = ()
    MUTATES: ClassVar[tuple[int, ...]] = ()
    MAY_OVERWRITE: ClassVar[tuple[tuple[int, int], ...]] = ()

    @classmethod
    def operands(cls, options):
        """Operands of the inputs, for ops whose number of inputs is an option."""
        del options
        return cls.INPUTS

    @classmethod
    def outputs(cls, options):
        """Operands of the outputs, for ops whose number of outputs is an option."""
        del options
        return cls.OUTPUTS

    @classmethod
    def mutates(cls, options):
        """Positions of the inputs written in place, given the options."""
        del options
        return cls.MUTATES

    @classmethod
    def may_overwrite(cls, options):
        """(output, input) positions that may have one address, given the options; an epilogue's `addend` always may."""
        del options
        addends = tuple((0, i) for i, operand in enumerate(cls.INPUTS) if operand.name == "addend")
        return cls.MAY_OVERWRITE + addends

    @classmethod
    def rows_needed(cls, options, output_row):
        """First row of input 1 that is read once the writing of `output_row` of output 0 has begun.

        None for an op that does not work row by row, in ascending order. Rows are those of axis 1 of NHWC.
        """
        del options, output_row

    @classmethod
    def check(cls, inputs, outputs, options):
        """Checks counts, dtypes, option values and shapes of one op.

        Args:
            inputs: a `TensorSpec` (or `None`, when absent) per input.
            outputs: a `TensorSpec` per output.
            options: dict with every name of `OPTIONS`.

        Raises:
            ValueError: naming the op, the rule and what was received.
        """
        cls._check_operands("inputs", cls.operands(options), inputs)
        cls._check_operands("outputs", cls.outputs(options), outputs)
        chosen = {
            spec.dtype
            for operand, spec in zip((*cls.operands(options), *cls.outputs(options)), (*inputs, *outputs))
            if isinstance(operand.dtype, tuple) and spec is not None
        }
        cls.require(len(chosen) <= 1, "operands with a choice of dtypes must have one dtype", sorted(chosen))
        names = {field.name for field in cls.OPTIONS}
        cls.require(set(options) == names, f"options must be {sorted(names)}", sorted(options))
        cls.check_shapes(
            [None if spec is None else tuple(spec.shape) for spec in inputs],
            [tuple(spec.shape) for spec in outputs],
            options,
        )

    @classmethod
    def check_shapes(cls, inputs, outputs, options):
        """The op's shape rule, on shapes (`None` for an absent input)."""
        raise NotImplementedError

    @classmethod
    def reference(cls, inputs, options, output_shapes):
        """What the op computes when `train` is 1, in the inputs' precision.

        Args:
            inputs: an array per input, `None` when absent. Inputs named by `MUTATES`
                are changed in place, as on the device.
            options: dict of option values.
            output_shapes: one shape per output (some don't follow from the inputs).

        Returns:
            List of output arrays.
        """
        raise NotImplementedError

    @classmethod
    def require(cls, condition, rule, received):
        """Raises a ValueError of the op, `rule` and `received` unless `condition` holds. Whoever reads a file adds the remedy."""
        if not condition:
            raise ValueError(f"{cls.NAME}: {rule}. Received: {received}.")

    @classmethod
    def _check_operands(cls, what, operands, specs):
        cls.require(len(specs) == len(operands), f"needs {len(operands)} {what}", len(specs))
        for operand, spec in zip(operands, specs):
            if spec is None:
                cls.require(operand.optional, f"`{operand.name}` must be present", "nothing")
                continue
            allowed = operand.dtype if isinstance(operand.dtype, tuple) else (operand.dtype,)
            cls.require(spec.dtype in allowed, f"`{operand.name}` must be {' or '.join(allowed)}", spec.dtype)
            cls.require(
                all(isinstance(size, int) and size > 0 for size in spec.shape),
                f"`{operand.name}` must have a static shape with positive sizes",
                spec.shape,
            )
            if operand.name in ("train", "lr"):
                cls.require(tuple(spec.shape) == (1,), f"`{operand.name}` must have shape [1]", spec.shape)


def options_format(op):
    """`struct` format of an op's options: little-endian, version first, no padding."""
    return "<i" + "".join("I" if field.kind == "u" else field.kind for field in op.OPTIONS)


def pack(op, options):
    """Packs a dict of option values into the bytes of `custom_options`.

    Raises:
        ValueError: a missing or surplus option, or a value out of range.
    """
    names = [field.name for field in op.OPTIONS]
    if set(options) != set(names):
        raise ValueError(f"{op.NAME}: options must be {names}. Received: {sorted(options)}.")
    try:
        return struct.pack(options_format(op), OPTIONS_VERSION, *(options[name] for name in names))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{op.NAME}: an option is out of range ({error}). Received: {options}.") from error


def unpack(op, data):
    """Inverse of `pack`; raises ValueError for a wrong size or version."""
    data = bytes(data)
    size = struct.calcsize(options_format(op))
    if len(data) != size:
        raise ValueError(f"{op.NAME}: options must have {size} bytes. Received: {len(data)}.")
    version, *values = struct.unpack(options_format(op), data)
    if version != OPTIONS_VERSION:
        raise ValueError(f"{op.NAME}: options must have version {OPTIONS_VERSION}. Received: {version}.")
    return {field.name: value for field, value in zip(op.OPTIONS, values)}
