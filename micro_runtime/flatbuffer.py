# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A reader of flatbuffers that trusts nothing: every offset is checked before it is followed."""

import struct

from .errors import REMEDY, BundleError

_FORMATS = {name: struct.Struct("<" + name) for name in "bBhHiIqQf"}


class Table:
    """One table of a flatbuffer.

    Args:
        data: The whole file.
        position: Where the table starts.

    Raises:
        BundleError: the table, its vtable or a field lies outside the file.
    """

    def __init__(self, data: bytes, position: int):
        self._data, self._position = data, position
        vtable = position - _read(data, position, "i", "table")
        self._vtable_bytes = _read(data, vtable, "H", "vtable")
        self._table_bytes = _read(data, vtable + 2, "H", "vtable")
        self._vtable = vtable
        whole = self._vtable_bytes >= 4 and self._vtable_bytes % 2 == 0 and self._table_bytes >= 4
        if not whole or vtable + self._vtable_bytes > len(data) or position + self._table_bytes > len(data):
            raise BundleError(
                f"A table must lie inside the file. Received: table at {position} of {len(data)} bytes. {REMEDY}"
            )
        for field in range((self._vtable_bytes - 4) // 2):
            self._field(field, 1)

    def scalar(self, field: int, kind: str, default=0):
        """A number; `kind` is its `struct` code."""
        position = self._field(field, _FORMATS[kind].size)
        return default if position is None else _read(self._data, position, kind, "field")

    def table(self, field: int) -> "Table | None":
        """A table that this one refers to, or None when absent."""
        position = self._target(field)
        return None if position is None else Table(self._data, position)

    def tables(self, field: int) -> "list[Table]":
        """A vector of tables; empty when absent."""
        start, count = self._vector(field, 4)
        positions = range(start, start + 4 * count, 4)
        return [Table(self._data, at + _read(self._data, at, "I", "offset")) for at in positions]

    def numbers(self, field: int, kind: str) -> tuple:
        """A vector of numbers; empty when absent."""
        start, count = self._vector(field, _FORMATS[kind].size)
        return struct.unpack_from(f"<{count}{kind}", self._data, start) if count else ()

    def data(self, field: int) -> memoryview | None:
        """A vector of bytes, not copied."""
        if self._target(field) is None:
            return None
        start, count = self._vector(field, 1)
        return memoryview(self._data)[start : start + count]

    def text(self, field: int) -> str | None:
        """A string: UTF-8 with a zero byte behind it, and none in it."""
        raw = self.data(field)
        if raw is None:
            return None
        end = self._vector(field, 1)[0] + len(raw)
        if end >= len(self._data) or self._data[end] != 0 or b"\0" in bytes(raw):
            raise BundleError(f"A string must end with a zero byte. Received: string that ends at {end}. {REMEDY}")
        try:
            return bytes(raw).decode()
        except UnicodeDecodeError as error:
            raise BundleError(f"A string must be UTF-8. Received: {bytes(raw)[:40]!r}. {REMEDY}") from error

    def _field(self, field: int, size: int) -> int | None:
        """Position of a field, or None when it has its default value."""
        entry = 4 + 2 * field
        if entry >= self._vtable_bytes:
            return None
        offset = _read(self._data, self._vtable + entry, "H", "vtable")
        if offset == 0:
            return None
        if offset < 4 or offset + size > self._table_bytes:
            raise BundleError(
                f"A field must lie inside its table. Received: offset {offset} of {self._table_bytes}. {REMEDY}"
            )
        return self._position + offset

    def _target(self, field: int) -> int | None:
        position = self._field(field, 4)
        if position is None:
            return None
        return position + _read(self._data, position, "I", "offset")

    def _vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        """(position of the first item, number of items)."""
        position = self._target(field)
        if position is None:
            return 0, 0
        count = _read(self._data, position, "I", "vector")
        start = position + 4
        if start % min(item_bytes, 4) or start + count * item_bytes > len(self._data):
            raise BundleError(f"A vector must lie inside the file. Received: {count} items at {start}. {REMEDY}")
        return start, count


def read_root(data: bytes, identifier: bytes) -> Table:
    """The root table of a file, whose identifier is checked."""
    if data[4:8] != identifier:
        raise BundleError(f"File must have the identifier {identifier!r}. Received: {data[4:8]!r}. {REMEDY}")
    return Table(data, _read(data, 0, "I", "root"))


def _read(data: bytes, position: int, kind: str, what: str):
    form = _FORMATS[kind]
    if position < 0 or position % min(form.size, 4) or position + form.size > len(data):
        raise BundleError(
            f"A {what} must lie inside the file, aligned. Received: position {position} of {len(data)}. {REMEDY}"
        )
    return form.unpack_from(data, position)[0]
