# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps native libraries quiet: captures what is written to file descriptors 1 and 2."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

# File descriptors belong to the process, so two captures at once would swap each other's files.
_LOCK = threading.RLock()


class CapturedOutput:
    """What was printed so far inside a ``captured_output()`` block."""

    def __init__(self, file):
        self._file = file
        self._text: str | None = None

    def text(self) -> str:
        """Everything printed since the block began, by Python and by native code."""
        if self._text is not None:
            return self._text
        _flush()
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        text = self._file.read(size).decode("utf-8", "replace")
        self._file.seek(0, os.SEEK_END)
        return text

    def _close(self) -> None:
        self._text = self.text()


@contextlib.contextmanager
def captured_output() -> Iterator[CapturedOutput]:
    """Redirects stdout and stderr, C's and Python's, into a temporary file.

    Example:
        with captured_output() as printed:
            interpreter.print_allocations()
        print(len(printed.text()))

    Yields:
        A ``CapturedOutput`` whose ``text()`` works inside and after the block.
    """
    with _LOCK, tempfile.TemporaryFile() as file:
        _flush()
        saved = [os.dup(1), os.dup(2)]
        captured = CapturedOutput(file)
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield captured
        finally:
            captured._close()
            for number, duplicate in zip((1, 2), saved):
                os.dup2(duplicate, number)
                os.close(duplicate)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, AttributeError):
            stream.flush()
