# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The scripts of docs/ and benchmarks/ as modules."""

import importlib
import sys

import pytest
from markdown_pages import ROOT


@pytest.fixture(scope="session")
def error_scripts():
    """`collect`, `advice` and `write` of docs/errors, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs" / "errors"))
        modules = {name: importlib.import_module(name) for name in ("collect", "advice", "write")}
    yield modules
    for name in modules:
        sys.modules.pop(name, None)
