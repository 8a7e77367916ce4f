# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The progress bar."""

import io
import sys

from tfdgsu.cli.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def advance_through(n_steps):
    with progress_bar("Training", n_steps) as advance:
        for _ in range(n_steps):
            advance()


def test_is_silent_where_nobody_watches(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    advance_through(3)
    assert stream.getvalue() == ""


def test_is_drawn_on_a_terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    advance_through(3)
    assert "Training" in stream.getvalue()
