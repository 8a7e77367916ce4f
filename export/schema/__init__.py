# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Between the object graph and the TFLite flatbuffer: ``reader`` lifts, ``writer`` lowers."""

from .reader import read_graph
from .writer import write_graph

__all__ = ["read_graph", "write_graph"]
