# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of pages that scripts write, each between two markers, which are comments."""

import pathlib


def begin(name: str, source: str) -> str:
    """The marker in front of a part, a line."""
    return f"<!-- {name}: written by {source} -->\n"


def end(name: str) -> str:
    """The marker behind a part, a line."""
    return f"<!-- end of {name} -->\n"


def replaced(page: str, name: str, source: str, text: str) -> str:
    """Returns the page with another text between the markers of a part.

    Raises:
        SystemExit: The page hasn't both markers.
    """
    before, has_begin, rest = page.partition(begin(name, source))
    _, has_end, after = rest.partition(end(name))
    if not has_begin or not has_end:
        raise SystemExit(
            f"A page must hold the markers of what is written into it. Received: one without {begin(name, source).strip()} "
            f"and {end(name).strip()}. Put them back."
        )
    return f"{before}{begin(name, source)}{text}{end(name)}{after}"


def write(path: pathlib.Path, source: str, parts: dict[str, str]) -> None:
    """Writes texts, by the names of their parts, into a page."""
    page = path.read_text(encoding="utf-8")
    for name, text in parts.items():
        page = replaced(page, name, source, text)
    path.write_text(page, encoding="utf-8")


def outdated(path: pathlib.Path, source: str, parts: dict[str, str]) -> list[str]:
    """Returns the names of the parts that say something else in the page."""
    page = path.read_text(encoding="utf-8")
    return [name for name, text in parts.items() if f"{begin(name, source)}{text}{end(name)}" not in page]
