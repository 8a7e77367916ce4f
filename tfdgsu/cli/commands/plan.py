# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""`tfdgsu plan`: what a training step would update, and what that costs."""

from absl import flags

from ...atomic_write import atomic_write
from ...number_format import DEFAULT_ROUNDING, ROUNDINGS
from ..command import Command, UsageError
from ..load_model import load_model


class PlanCommand(Command):
    name = "plan"
    summary = "Choose what a training step updates within a memory budget, and print its cost."
    description = """
        Reads a Keras model and chooses the layers to update and how many input channels of each, such that a training
        step fits the budget and gains as much as it can. Prints the choice layer by layer with the reasons, and what
        it costs: kept activations, ReLU masks, mutable weights, the interpreter's structures, and the peaks of forward
        and backward.

        With --out it also writes the plan as JSON, which 'tfdgsu export --plan' reads. A budget that can't be met is
        refused, and the message says what would fit.
    """
    examples = (
        "tfdgsu plan model.keras --ram 256KB --update_fraction 0.02 --out plan.json",
        "tfdgsu plan model.keras --ram 192KB --quantize int8",
        "tfdgsu plan model.keras --layers block_15_project=8,block_16_project=12",
    )
    arguments = ("MODEL.keras",)

    def define_flags(self, values: flags.FlagValues) -> None:
        flags.DEFINE_string(
            "ram",
            None,
            "Budget, as bytes or as '256KB' (1 KB = 1024 bytes). No budget if not given.",
            flag_values=values,
        )
        flags.DEFINE_float(
            "update_fraction",
            None,
            "Share of the convolution weights to update per step, from 0 to 1; 0.02 if neither this nor --layers is given.",
            flag_values=values,
        )
        flags.DEFINE_integer(
            "n_layers",
            None,
            "How many of the last convolutions to update. Chosen by memory and gain, up to 60% of them, if not given.",
            flag_values=values,
        )
        flags.DEFINE_list(
            "layers",
            None,
            "An explicit choice instead: comma-separated LAYER=CHANNELS; 0 is bias only.",
            flag_values=values,
        )
        flags.DEFINE_bool("update_bias", True, "Also update the biases of the update layers.", flag_values=values)
        flags.DEFINE_bool("train_head", True, "Also update the last dense layer, wholly.", flag_values=values)
        flags.DEFINE_integer("batch_size", 1, "Examples per step on the device.", flag_values=values)
        flags.DEFINE_bool("momentum", False, "Count velocities, for SGD with momentum.", flag_values=values)
        flags.DEFINE_enum(
            "optimizer", "sgd", ["sgd", "lars"], "Whose state to count; lars is tfdgsu.LARS.", flag_values=values
        )
        flags.DEFINE_enum(
            "quantize", None, ["int8"], "Count the bytes of an int8 bundle; float32 if not given.", flag_values=values
        )
        flags.DEFINE_enum(
            "rounding",
            DEFAULT_ROUNDING,
            list(ROUNDINGS),
            "How an int8 bundle rounds updates; 'remainder' takes a second byte per weight.",
            flag_values=values,
        )
        flags.DEFINE_string("out", None, "Write the plan to this JSON file.", flag_values=values)

    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        layers = None if values.layers is None else parse_layers(values.layers)
        model = load_model(arguments[0])
        from ...planning import plan

        made = plan(
            model,
            values.ram,
            values.update_fraction,
            layers=layers,
            n_layers=values.n_layers,
            update_bias=values.update_bias,
            train_head=values.train_head,
            batch_size=values.batch_size,
            momentum=values.momentum,
            quantize=values.quantize,
            rounding=values.rounding,
            optimizer=values.optimizer,
        )
        made.summary()
        if values.out is not None:
            atomic_write(values.out, (made.to_json() + "\n").encode())
            print(f"Wrote {values.out}.")


def parse_layers(words: list[str]) -> dict[str, int]:
    """Returns {"conv": 8} for ["conv=8"].

    Raises:
        UsageError: A word isn't of that form.
    """
    layers = {}
    for word in words:
        name, _, n_channels = word.rpartition("=")
        if not name or not n_channels.strip().isdecimal():
            raise UsageError(
                f"--layers takes LAYER=CHANNELS, comma-separated. Received: {word!r}. Write it as conv_1=8,conv_2=4."
            )
        layers[name.strip()] = int(n_channels)
    return layers
