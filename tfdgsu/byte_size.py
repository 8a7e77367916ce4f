# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Sizes in bytes: of a number on the device, and as people write them."""

import numbers
import re

FLOAT_BYTES = 4  # Of a float32, and of an int32 too.

_FACTORS = {"": 1, "B": 1, "K": 1024, "KB": 1024, "KIB": 1024, "M": 1024**2, "MB": 1024**2, "MIB": 1024**2}


def parse_bytes(size: str | int | None) -> int | None:
    """Returns 262144 for "256KB", "256 KiB" or 262144; `None` for `None`. Units are binary, as in data sheets of RAM.

    Raises:
        ValueError: `size` is not a positive number of bytes.
    """
    if size is None:
        return None
    n_bytes = None
    if isinstance(size, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KM]?I?B?)\s*", size.upper())
        if match and match[2] in _FACTORS:
            n_bytes = int(float(match[1]) * _FACTORS[match[2]])
    elif isinstance(size, numbers.Integral) and not isinstance(size, bool):
        n_bytes = int(size)
    if n_bytes is None or n_bytes <= 0:
        raise ValueError(
            f"A size must be a positive number of bytes or a string such as '256KB'. Received: {size!r}. "
            "Units are B, KB and MB, also KiB and MiB, all binary."
        )
    return n_bytes
