# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Loads TensorFlow without its greeting: lines about CPU features that it prints before any setting can stop it."""

from .captured_output import captured_output

with captured_output():
    import tensorflow  # noqa: F401  (what follows finds it loaded)
