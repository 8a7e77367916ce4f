# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Update methods by name."""

from .dynamic_sparse import DynamicSparse
from .method import StepGradients, UpdateMethod

_METHODS: dict[str, UpdateMethod] = {}


def register(method: UpdateMethod) -> UpdateMethod:
    """Makes `method` known under its NAME; returns it."""
    _METHODS[method.NAME] = method
    return method


def get(name: str) -> UpdateMethod:
    """Returns the update method called `name`.

    Raises:
        ValueError: No such method is registered.
    """
    if name not in _METHODS:
        raise ValueError(
            f"method must be one of {sorted(_METHODS)}. Received: method={name!r}. "
            "Register one of your own with tfdgsu.methods.register."
        )
    return _METHODS[name]


register(DynamicSparse())

__all__ = ["DynamicSparse", "StepGradients", "UpdateMethod", "get", "register"]
