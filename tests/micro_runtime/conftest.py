# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Bundles that the tests of the runtime share."""

import numpy as np
import pytest
from tiny_bundle import export_tiny


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory):
    return export_tiny(tmp_path_factory.mktemp("bundle") / "tiny.tflite")


@pytest.fixture(scope="session")
def examples():
    """Sixteen examples and their classes."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (16, 6, 6, 3)).astype(np.float32), rng.integers(0, 4, 16).astype(np.int32)
