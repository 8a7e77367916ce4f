# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A file's bytes as a C array, aligned as TFLM wants its model."""

from __future__ import annotations

import re

_BYTES_PER_LINE = 16


def format_c_array(data: bytes, name: str) -> str:
    """C source defining ``<name>[]`` and ``<name>_bytes``.

    Args:
        data: The file.
        name: File name from which the C identifier is made, e.g. "model.tflite" gives ``model_tflite``.
    """
    identifier = re.sub(r"\W", "_", name)
    if not identifier or identifier[0].isdigit():
        identifier = f"model_{identifier}"
    rows = [data[i : i + _BYTES_PER_LINE] for i in range(0, len(data), _BYTES_PER_LINE)]
    body = "\n".join("  " + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)
    return (
        "#include <stddef.h>\n\n"
        "#if defined(__GNUC__)\n__attribute__((aligned(16)))\n#endif\n"
        f"const unsigned char {identifier}[] = {{\n{body}\n}};\n"
        f"const size_t {identifier}_bytes = {len(data)};\n"
    )
