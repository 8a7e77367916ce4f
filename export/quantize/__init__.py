# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Float32 forward graph to int8: ``quantize_graph`` (the whole way), one file per step."""

from .check_int8 import check_int8
from .quantize_graph import quantize_forward

__all__ = ["check_int8", "quantize_forward"]
