# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""HTML and SVG elements. Every string is a text and gets escaped; only `Markup` is taken as it is."""

import html
import re
from collections.abc import Iterable, Sequence

# Where a name may break: behind a separator, and in front of a capital's word.
_PART = re.compile(r"(?<=[_/])|(?<=[a-z0-9])(?=[A-Z])")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(text: object) -> Markup:
    """A text as HTML shows it; what can't be seen (controls, changes of direction, halves of pairs) as its code."""
    visible = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return Markup(html.escape(visible))


def element(name: str, *children: object, **attributes: object) -> Markup:
    """One element.

    Example:
        element("td", "<b>", class_="number", colspan=2)  # <td class="number" colspan="2">&lt;b&gt;</td>

    Args:
        name: Of the tag.
        children: Texts, numbers, `Markup`; None is left out.
        attributes: "_" at the end is dropped, others become "-"; None is left out.
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    opening = "".join(f' {key}="{escape(value)}"' for key, value in given.items())
    return Markup(f"<{name}{opening}>{join(children)}</{name}>")


def join(children: Iterable[object]) -> Markup:
    """Elements and texts one after the other."""
    return Markup("".join(c if isinstance(c, Markup) else escape(c) for c in children if c is not None))


def code(text: object) -> Markup:
    """A name from the file; on a narrow screen its parts may stand below each other."""
    parts = (part for part in _PART.split(str(text)) if part)
    return element("code", Markup("<wbr>".join(map(escape, parts))))


def number(value: int | None) -> Markup:
    """A count or a size in a table, with separators; nothing for None."""
    return element("td", "" if value is None else f"{value:,}", class_="number")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], n_numbers: int = 0) -> Markup:
    """A table in a box of its own that scrolls when it is too wide; the first cell of a row names the row.

    Args:
        caption: What it shows.
        head: Titles of the columns.
        rows: Cells: texts, or `Markup` of whole `<td>` elements.
        n_numbers: How many of the last columns hold numbers.
    """
    first_number = len(head) - n_numbers
    titles = (
        element("th", title, scope="col", class_="number" if i >= first_number else None)
        for i, title in enumerate(head)
    )
    body = (join([element("th", row[0], scope="row"), *map(_cell, row[1:])]) for row in rows)
    return element(
        "div",
        element(
            "table",
            element("caption", caption),
            element("thead", element("tr", *titles)),
            element("tbody", *(element("tr", cells) for cells in body)),
        ),
        class_="scroll",
        role="region",
        aria_label=caption,
        tabindex=0,
    )


def _cell(content: object) -> Markup:
    if isinstance(content, Markup) and content.startswith("<td"):
        return content
    return number(content) if isinstance(content, int) else element("td", content)
