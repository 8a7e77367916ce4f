# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A differentiable builtin is one file with its rule and one test. Names what is missing."""

import pathlib

import pytest
from tfdgsu.export.ops.builtin import GRADIENT_RULES

TESTS = pathlib.Path(__file__).parent
FILES = sorted({rule.__module__.rsplit(".", 1)[1] for rule in GRADIENT_RULES.values()})


@pytest.mark.parametrize("file", FILES)
def test_rule_has_a_test(file):
    assert (TESTS / f"test_{file}.py").exists(), (
        f"export/ops/builtin/{file}.py lacks tests/export/ops/builtin/test_{file}.py"
    )


def test_every_test_has_a_rule():
    tested = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")} - {"rule_inventory"}
    assert tested == set(FILES)
