# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the lists of docs/troubleshooting.md from the sources, so that every message is there as it is raised.

python docs/errors/write.py
"""

import re
import sys

import advice
import collect

PAGE = collect.ROOT / "docs" / "troubleshooting.md"
_RULES = "Bundles: rules"
# The first pattern that a file's path matches.
AREAS = (
    (r"tfdgsu/cli/", "The command line"),
    (r"tfdgsu/study/", "Studies"),
    (r"tfdgsu/int8_", "Int8 checkpoints"),
    (r"tfdgsu/gradient_", "Layers on the gradient path"),
    (r"tfdgsu/", "Planning and training in Keras"),
    (r"export/quantize/", "Exporting in int8"),
    (r"export/(ops/builtin/|gradients\.py|passes/add_gradients)", "Exporting: gradients"),
    (
        r"export/(metadata|ops/custom/|arena/flat_model)|micro_runtime/(bundle|flatbuffer|model|\w+_rules|memory_plan)\.py",
        _RULES,
    ),
    (r"export/", "Exporting"),
    (r"micro_runtime/(weights_file|keras_checkpoint|checkpoint_layout|frozen_weights)", "Checkpoints in Python"),
    (r"examples/|zephyr/|micro_runtime/(CMakeLists|cmake/|boards/|packaging/)", "Building with CMake"),
    (r"micro_runtime/(codegen|package\.|emulator|generate_options|examples_)", "Firmware and packages"),
    (r"micro_runtime/", "Sessions"),
)
_TITLES = [title for _, title in AREAS if title != _RULES]


def format_messages(messages: list[collect.Message]) -> str:
    """All messages that state their own remedy, by area."""
    lines, used = [], set()
    for title in _TITLES:
        entries = {_format_entry(message, used) for message in messages if area(message) == title}
        lines += [f"### {title}", "", *sorted(entries, key=_sort_key), ""]
    unused = sorted(set(advice.MESSAGES) - used)
    if unused:
        raise SystemExit(f"Advice must begin as a message does. Received: {unused}. Mend docs/errors/advice.py.")
    return "\n".join(lines)


def format_rules(messages: list[collect.Message]) -> str:
    """What a bundle must be; all have one remedy."""
    rules = {f"- {_code(message.rule.rstrip('.'))}" for message in messages if area(message) == _RULES}
    return "\n".join([*sorted(rules, key=_sort_key), ""])


def format_statuses(meanings: dict[str, str], remedies: dict[str, str], prefix: str) -> str:
    """A table of statuses; every status needs advice."""
    if set(meanings) != set(remedies):
        differing = sorted(set(meanings) ^ set(remedies))
        raise SystemExit(f"Each status needs its advice. Received: {differing}. Mend docs/errors/advice.py.")
    lines = ["| status | meaning | what to do |", "|---|---|---|"]
    lines += [f"| `{prefix}{name}` | {meaning} | {remedies[name]} |" for name, meaning in meanings.items()]
    return "\n".join([*lines, ""])


def area(message: collect.Message) -> str:
    """Title of the part of the page that a message belongs to."""
    if not message.remedy and message.error == "BundleError":
        return _RULES
    return next(title for pattern, title in AREAS if re.match(pattern, message.path))


def _format_entry(message: collect.Message, used: set[str]) -> str:
    parts = [f"- {_code(message.rule)} ({message.error})", re.sub(r"([<*])", r"\\\1", message.remedy)]
    for beginning, text in advice.MESSAGES.items():
        if message.rule.startswith(beginning):
            used.add(beginning)
            parts.append(text)
    return " ".join(part for part in parts if part)


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _sort_key(entry: str) -> tuple[str, str]:
    return re.sub(r"[^a-z0-9]", "", entry.lower()), entry


def read_parts() -> dict[str, str]:
    """The generated parts of the page by name, markers included."""
    messages = collect.collect()
    parts = {
        "trainer": format_statuses(collect.trainer_statuses(), advice.TRAINER, ""),
        "checkpoints": format_statuses(collect.checkpoint_statuses(), advice.CHECKPOINTS, ""),
        "messages": format_messages(messages),
        "rules": format_rules(messages),
    }
    return {name: f"{_begin(name)}\n{text}\n{_end(name)}" for name, text in parts.items()}


def _begin(name: str) -> str:
    return f"<!-- {name}: written by docs/errors/write.py from the sources -->\n"


def _end(name: str) -> str:
    return f"<!-- end of {name} -->\n"


def main():
    text = PAGE.read_text(encoding="utf-8")
    for name, part in read_parts().items():
        before, has_begin, rest = text.partition(_begin(name))
        _, has_end, after = rest.partition(_end(name))
        if not has_begin or not has_end:
            raise SystemExit(f"{PAGE} must hold the markers of {name}. Received: a page without. Put them back.")
        text = before + part + after
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
