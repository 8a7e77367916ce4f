# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""What a command is: a name, texts that teach, flags of its own, and work to do."""

import abc
from typing import ClassVar

from absl import flags


class UsageError(Exception):
    """The command line itself is wrong: unknown flag, missing or superfluous argument. Exit code 2."""


class Command(abc.ABC):
    """One command of the `tfdgsu` program.

    Class attributes:
        name: What the user types after `tfdgsu`.
        summary: One line for the list of commands.
        description: Paragraphs for `tfdgsu <name> --help`: what it does, what it reads, what it writes.
        examples: Command lines that work, for the same page.
        arguments: Names of the positional arguments, all required.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    description: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]
    arguments: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def define_flags(self, values: flags.FlagValues) -> None:
        """Defines this command's flags on `values`, its own: nothing is registered globally."""

    @abc.abstractmethod
    def execute(self, arguments: list[str], values: flags.FlagValues) -> None:
        """Does the work. Whatever is wrong with the user's input is raised, not printed.

        Args:
            arguments: As many as `self.arguments`.
            values: The parsed flags.
        """
