# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Fields of the schema's generated objects, which give None for what is absent and bytes for text."""

from __future__ import annotations


def as_text(value: bytes | str | None) -> str:
    """A string field; "" if it is absent."""
    return value.decode("utf-8") if isinstance(value, bytes) else (value or "")


def as_list(values: object) -> list:
    """A vector field; empty if it is absent."""
    return [] if values is None else list(values)
