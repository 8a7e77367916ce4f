# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The pages that `tfdgsu --help` and `tfdgsu <command> --help` print."""

import textwrap
from collections.abc import Mapping

from absl import flags

from .command import Command

_WIDTH = 100
_FLAG_INDENT = " " * 6


def format_program_help(commands: Mapping[str, Command]) -> str:
    """The list of commands."""
    width = max(len(name) for name in commands)
    rows = [f"  {command.name:<{width}}  {command.summary}" for command in commands.values()]
    return "\n".join(
        [
            "On-device training with dynamic gradient sparse update, from Keras to TensorFlow Lite Micro.",
            "",
            "Usage: tfdgsu <command> [arguments] [--flags]",
            "",
            "Commands:",
            *rows,
            "",
            "'tfdgsu <command> --help' explains one command. New here? Run 'tfdgsu quickstart'.",
            "Exit codes: 0 done, 1 the input was refused (the message says why), 2 wrong usage.",
        ]
    )


def format_command_help(command: Command, values: flags.FlagValues) -> str:
    """One command's page: what it does, examples, its flags."""
    blocks = [
        f"Usage: {usage(command)}",
        "\n\n".join(textwrap.fill(p, _WIDTH) for p in textwrap.dedent(command.description).strip().split("\n\n")),
        "\n".join([f"Example{'s' if len(command.examples) > 1 else ''}:", *(f"  {line}" for line in command.examples)]),
        "\n".join(["Flags:", *(_format_flag(values[name]) for name in sorted(values))]),
    ]
    return "\n\n".join(blocks)


def usage(command: Command) -> str:
    """How to call a command, on one line."""
    return " ".join(["tfdgsu", command.name, *command.arguments, "[--flags]"])


def _format_flag(flag: flags.Flag) -> str:
    syntax = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    text, facts = flag.help, []
    choices = getattr(flag.parser, "enum_values", None)
    if choices:
        text = text.partition(">: ")[2]  # absl puts the choices in front.
        facts.append("one of: " + ", ".join(choices))
    if flag.default is not None:
        facts.append("default: " + flag.default_as_str.strip("'"))
    text = f"{text} ({'; '.join(facts)})" if facts else text
    return f"  {syntax}\n" + textwrap.fill(text, _WIDTH, initial_indent=_FLAG_INDENT, subsequent_indent=_FLAG_INDENT)
