# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Every error states its rule, what it received and a remedy, and stands in docs/troubleshooting.md."""

import ast

import pytest
from markdown_pages import ROOT

# Whoever catches these adds the remedy: `check_operators`, and the command line with its usage.
WRAPPED = ("micro_runtime/operator_rules.py", "export/ops/custom/base.py", "export/ops/custom/__init__.py")
USAGE = "UsageError"
# What Python itself expects in its own form, and defects of the exporter, which no input causes.
EXEMPT = {"NotImplementedError", "AttributeError", "DEFECT"}
# Raise what `refusal` returned, and the error of a rule with the remedy behind it.
COMPOSED = ("tfdgsu/gradient_path.py", "micro_runtime/operator_rules.py")


@pytest.fixture(scope="module")
def messages(error_scripts):
    return error_scripts["collect"].collect()


def test_every_message_has_a_remedy(messages, error_scripts):
    rules = error_scripts["write"].area
    without = [
        f"{message.path}:{message.line} {message.rule}"
        for message in messages
        if not message.remedy
        and message.error != USAGE
        and message.path not in WRAPPED
        and rules(message) != "Bundles: rules"
    ]
    assert not without


def test_every_raise_has_a_message_of_this_form():
    strange = []
    for folder in ("tfdgsu", "export", "micro_runtime"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            name = str(path.relative_to(ROOT))
            strange += [] if name in COMPOSED else [f"{name}:{line}" for line in strange_raises(source)]
    assert not strange, "state the rule, then 'Received: ...', then the remedy"


def strange_raises(source):
    """Lines of a module's raises without "Received:", in their own text or in that of a function they call there."""
    tree = ast.parse(source)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and node.exc and not _is_of_this_form(node, functions)
    ]


def _is_of_this_form(node, functions):
    names = {getattr(child, "id", getattr(child, "attr", "")) for child in ast.walk(node.exc)}
    said = [node, *(functions[name] for name in names if name in functions)]
    return bool(names & EXEMPT) or any("Received:" in ast.unparse(part) for part in said)


@pytest.mark.parametrize(
    ("source", "n_strange"),
    [
        ('raise ValueError("must be 1. Received: 2. Give 1.")', 0),
        ('raise ValueError("wrong")', 1),
        ('raise ValueError(f"wrong {x}")', 1),
        ('def explain(x):\n    return f"wrong {x}"\n\n\nraise ValueError(explain(2))', 1),
        ('def explain(x):\n    return f"Must be 1. Received: {x}. Give 1."\n\n\nraise ValueError(explain(2))', 0),
        ("raise NotImplementedError", 0),
    ],
)
def test_what_is_not_of_this_form_is_found(source, n_strange):
    assert len(strange_raises(source)) == n_strange


def test_messages_of_cmake_are_found(messages):
    tflm = [message for message in messages if message.rule == "TFLM_DIR must be a tflite-micro tree."]
    assert [(message.error, message.path) for message in tflm] == [("CMake", "micro_runtime/cmake/trainer.cmake")]
    assert "clone" in tflm[0].remedy.lower()


def test_parts_of_a_message_are_told_apart(error_scripts):
    split = error_scripts["collect"].split
    assert split("a must be 1. Received: a=2. Give 1.") == ("a must be 1.", "Give 1.")
    assert split("a must be 1. Received: 2...3. Remedy: give 1.") == ("a must be 1.", "Give 1.")
    assert split("a must be 1. Received: a=2.") == ("a must be 1.", "")


def test_troubleshooting_lists_every_error_and_status(error_scripts):
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    parts = error_scripts["write"].read_parts()
    assert parts
    assert [name for name, part in parts.items() if part not in page] == [], "run python docs/errors/write.py"


def test_statuses_are_read_from_the_headers(error_scripts):
    collect = error_scripts["collect"]
    assert collect.trainer_statuses()["BundleDamaged"] == "the CRC-32 differs"
    assert collect.checkpoint_statuses()["Damaged"] == "a torn save, or bits that changed"
