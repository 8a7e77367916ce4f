# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an argument is a number at all, before it is compared with one."""

import math
import numbers
from typing import Any


def is_real(value: Any) -> bool:
    """True for finite Python and NumPy numbers; False for booleans, strings, None, NaN."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """True for numbers without a fraction, such as 3, `np.int64(3)` and 3.0."""
    return is_real(value) and value == int(value)
