# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Entry point of the `tfdgsu` program: picks the command, parses its flags, turns errors into exit codes."""

import os
import sys
from collections.abc import Sequence

from absl import flags

from .command import Command, UsageError
from .commands import COMMANDS
from .help_text import format_command_help, format_program_help, usage

EXIT_OK = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it.

_HELP = ("--help", "-help", "-h", "--h")

# Errors that refuse input; others do if they say what was received, as all errors of this library do. What remains is a
# defect and keeps its traceback.
_REFUSALS = (ValueError, OSError)
_MARK_OF_REFUSAL = "Received:"


def run(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Example:
        run(["plan", "model.keras", "--ram", "256KB"])

    Args:
        argv: The words after the program's name. Default: those of this process.

    Returns:
        The exit code: 0 done, 1 the input was refused, 2 wrong usage.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in (*_HELP, "help"):
        print(format_program_help(COMMANDS))
        return EXIT_OK if words else EXIT_USAGE
    command = COMMANDS.get(words[0])
    if command is None:
        return _complain(f"There is no command {words[0]!r}. Commands: {', '.join(COMMANDS)}.", EXIT_USAGE)
    return _run_command(command, words[1:])


def _run_command(command: Command, words: list[str]) -> int:
    values = flags.FlagValues()
    command.define_flags(values)
    try:
        if any(word in _HELP for word in words):
            print(format_command_help(command, values), flush=True)
            return EXIT_OK
        arguments = _parse(command, values, words)
        command.execute(arguments, values)
    except (UsageError, flags.Error) as error:
        remedy = f"Usage: {usage(command)}; 'tfdgsu {command.name} --help' explains it."
        return _complain(f"{error}\n{remedy}", EXIT_USAGE)
    except KeyboardInterrupt:
        return _complain("Interrupted.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as in `tfdgsu inspect ... | head`. Python flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if not _is_refusal(error):
            raise
        return _complain(_text(error), EXIT_REFUSED)
    return EXIT_OK


def _parse(command: Command, values: flags.FlagValues, words: list[str]) -> list[str]:
    """Reads the flags into `values`; returns the positional arguments."""
    values.set_gnu_getopt(True)  # Flags may follow arguments.
    arguments = values(["tfdgsu", *words])[1:]
    if len(arguments) != len(command.arguments):
        expected = " ".join(command.arguments) or "no arguments"
        raise UsageError(f"'tfdgsu {command.name}' takes {expected}. Received: {' '.join(arguments) or 'none'}.")
    return arguments


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, _REFUSALS) or _MARK_OF_REFUSAL in str(error)


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    return str(error)


def _complain(message: str, exit_code: int) -> int:
    print(f"tfdgsu: {message}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(run())
