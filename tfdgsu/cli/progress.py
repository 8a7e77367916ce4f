# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A progress bar on the terminal; silent where nobody watches."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_REFRESH_S = 0.1


@contextlib.contextmanager
def progress_bar(description: str, total: int) -> Iterator[Callable[..., None]]:
    """Shows a bar on stderr if that is a terminal.

    Example:
        with progress_bar("Training in TFLM", len(x)) as advance:
            for image in x:
                ...
                advance()

    Args:
        description: What is going on.
        total: Number of steps.

    Yields:
        A function to call after each step, or after n of them with n.
    """
    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Drawn between steps, not by rich's thread: during a step the interpreter's output, and ours with it, is captured.
    bar = Progress(*columns, console=console, auto_refresh=False, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(description, total=total)
        drawn_at = 0.0

        def advance(n_steps: int = 1) -> None:
            nonlocal drawn_at
            bar.advance(task, n_steps)
            if time.monotonic() - drawn_at > _REFRESH_S:
                drawn_at = time.monotonic()
                bar.refresh()

        yield advance
