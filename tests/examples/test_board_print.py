# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The boards' own printf, which needs no heap, prints what C's does."""

import subprocess

import pytest
from tfdgsu.micro_runtime.emulator import BOARDS, FOLDER, missing_tools, run_quietly

_FLAGS = ["-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror"]
# Formats with their arguments, as C writes them.
_CALLS = (
    '"%d %i %u\\n", -12, 0, 4000000000u',
    '"%d %d\\n", INT_MIN, INT_MAX',
    '"[%5d] [%s] [%05d] [%2d]\\n", 42, "text", -42, 12345',
    '"%x %08x %c%%\\n", 0xBEEFu, 0x1Fu, 65',
    '"%ld %lu %zu %hd\\n", -7L, 7UL, sizeof(int), 9',
    '"%f %.0f %.3f %.1f\\n", 0.5, 2.7, -1.0626, 9.96',
    '"%.4f %.2f\\n", 123456.78126, 0.0',
    '"%.3f %.3f\\n", 0.9996, -0.4',
    '"%.2f %.1f\\n", (double)INFINITY, -(double)INFINITY',
    '"none\\n"',
)
_MAIN = """\
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include "print.h"
int main(void) {{
{calls}
  return 0;
}}
"""


@pytest.mark.skipif(bool(missing_tools()), reason=missing_tools())
def test_prints_as_printf_does(tmp_path):
    for name in ("BoardPrint", "printf"):
        body = "\n".join(f"  {name}({call});" for call in _CALLS)
        (tmp_path / f"{name}.c").write_text(_MAIN.format(calls=body))
    run_quietly(["gcc", *_FLAGS, f"-I{FOLDER}", tmp_path / "printf.c", "-o", tmp_path / "printf"])
    expected = subprocess.run([tmp_path / "printf"], capture_output=True, text=True, check=True).stdout
    board, program = BOARDS["M4F"], tmp_path / "print.elf"
    board.build(program, [tmp_path / "BoardPrint.c", FOLDER / "print.c"], _FLAGS)
    assert board.run(program) == expected


@pytest.mark.skipif(bool(missing_tools()), reason=missing_tools())
def test_long_lines_are_cut_and_their_length_is_told(tmp_path):
    source = tmp_path / "cut.c"
    source.write_text(
        '#include <stdarg.h>\n#include "print.h"\n'
        "static int Format(char* text, size_t bytes, const char* format, ...) {\n"
        "  va_list arguments;\n  va_start(arguments, format);\n"
        "  const int n = BoardFormat(text, bytes, format, arguments);\n  va_end(arguments);\n  return n;\n}\n"
        "int main(void) {\n  char text[8] = {0};\n  text[5] = '!';\n"
        '  const int n = Format(text, 5, "%s", "abcdefgh");\n'
        '  BoardPrint("%d %s %c\\n", n, text, text[5]);\n  return Format(text, 0, "x%d", 10) == 3 ? 0 : 1;\n}\n'
    )
    board, program = BOARDS["M4F"], tmp_path / "cut.elf"
    board.build(program, [source, FOLDER / "print.c"], _FLAGS)
    assert board.run(program) == "8 abcd !\n"
