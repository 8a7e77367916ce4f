# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever a user has as representative data, as batches of the graph's shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_REMEDY = "Remedy: pass some hundred examples, preprocessed as in training, as an array [N, ...] or a tf.data.Dataset."


def batches(data: Any, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yields float32 arrays of ``shape``.

    Args:
        data: An array [N, ...], a ``tf.data.Dataset`` or another iterable of x or (x, y), batched or not.
        shape: ``[batch, ...]`` of the graph's input. The last batch is filled up with examples that were seen before,
            which changes no minimum and no maximum.

    Raises:
        TypeError: if ``data`` is nothing of that.
        ValueError: if an example has another shape or is not finite, or there is none.
    """
    pending: list[np.ndarray] = []
    seen: list[np.ndarray] = []
    is_zero = True
    for example in _examples(data, shape[1:]):
        seen = [example, *seen[: shape[0] - 1]]
        pending.append(example)
        is_zero = is_zero and not np.any(example)
        if len(pending) == shape[0]:
            yield np.stack(pending)
            pending = []
    if not seen:
        raise ValueError(f"Calibration needs at least one example. Received: none. {_REMEDY}")
    if is_zero:
        raise ValueError(f"Scales come from the range of the examples. Received: zeros only. {_REMEDY}")
    if pending:
        n_missing = shape[0] - len(pending)
        yield np.stack([*pending, *(seen[i % len(seen)] for i in range(n_missing))])


def _examples(data: Any, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Single examples of ``shape``."""
    if callable(data):  # What tf.lite.TFLiteConverter takes.
        data = data()
    if isinstance(data, (str, bytes)) or not hasattr(data, "__iter__"):
        raise TypeError(f"Representative data are arrays. Received: {type(data).__name__}. {_REMEDY}")
    if hasattr(data, "__array__"):
        data = [data]
    for item in data:
        x = _to_array(item[0] if isinstance(item, (tuple, list)) and len(item) else item)
        if x.shape == shape:
            yield _check(x)
        elif x.shape[1:] == shape:
            yield from map(_check, x)
        else:
            raise ValueError(
                f"Representative data have the shape of the model's input. Received: {list(x.shape)}, "
                f"for an input of {list(shape)} per example. {_REMEDY}"
            )


def _to_array(x: Any) -> np.ndarray:
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"Representative data are real numbers. Received: an array of {array.dtype}. {_REMEDY}")
    return array.astype(np.float32)


def _check(x: np.ndarray) -> np.ndarray:
    if not np.all(np.isfinite(x)):
        raise ValueError(f"Representative data are finite. Received: an example with NaN or infinity. {_REMEDY}")
    return x
