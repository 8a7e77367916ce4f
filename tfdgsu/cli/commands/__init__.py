# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The commands, one file each; `COMMANDS` is the order in which `tfdgsu --help` lists them.

What only one command needs is imported inside its `execute`: the others, and `--help`, shall work without it.
"""

from ..command import Command
from .codegen import CodegenCommand
from .export import ExportCommand
from .inspect import InspectCommand
from .plan import PlanCommand
from .quickstart import QuickstartCommand
from .run import RunCommand
from .study import StudyCommand

COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        QuickstartCommand(),
        PlanCommand(),
        ExportCommand(),
        RunCommand(),
        InspectCommand(),
        CodegenCommand(),
        StudyCommand(),
    )
}
