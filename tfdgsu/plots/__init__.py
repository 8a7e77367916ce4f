# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Plots on matplotlib: what a plan costs, the arena over time, visited channels, accuracy against memory.

Every function draws into the `Axes` that it is given, or into a new figure of pyplot's, and returns the `Axes`. None of
them shows anything or changes matplotlib's settings.

Example:
    ax = tfdgsu.plots.plan(plan)
    ax.figure.savefig("plan.png")

Needs the extra: pip install 'tfdgsu[plots]'.
"""

from .draw_accuracy_vs_memory import accuracy_vs_memory
from .draw_arena import arena
from .draw_plan import plan
from .draw_visited_channels import visited_channels

__all__ = ["accuracy_vs_memory", "arena", "plan", "visited_channels"]
