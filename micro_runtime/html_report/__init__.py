# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A bundle's report as one HTML page: a section a file, put together by `page.py`; `markup.py` escapes every text."""

from .page import render_report

__all__ = ["render_report"]
