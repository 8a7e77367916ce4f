# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds every error message in the sources: in Python by its parts "Received:" and "Remedy:", in C by the status lists."""

import ast
import dataclasses
import pathlib
import re
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("tfdgsu", "export", "micro_runtime")
VALUE = "\N{HORIZONTAL ELLIPSIS}"  # Stands for what a message says of the case at hand.
STATUSES = ROOT / "micro_runtime" / "include" / "tfdgsu" / "trainer" / "status.h"
CHECKPOINT_STATUSES = ROOT / "micro_runtime" / "include" / "tfdgsu" / "checkpoint.h"


@dataclasses.dataclass(frozen=True, order=True)
class Message:
    """One error message.

    Attributes:
        rule: What had to hold.
        remedy: What to do about it; empty where whoever catches the error adds it.
        error: The exception's class.
        path: File in the repository.
        line: Where it begins there.
    """

    rule: str
    remedy: str
    error: str
    path: str
    line: int


def collect() -> list[Message]:
    """Every message of the package, ordered by file and line."""
    found = [message for path in _sources() for message in _of_file(path)]
    found += [message for path in _cmake_files() for message in _of_cmake(path)]
    return sorted(found, key=lambda message: (message.path, message.line))


def _sources() -> list[pathlib.Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def _cmake_files() -> list[pathlib.Path]:
    folders = [ROOT / name for name in ("micro_runtime", "examples", "zephyr")]
    return sorted(
        path for name in ("CMakeLists.txt", "*.cmake", "*.cmake.in") for f in folders for path in f.rglob(name)
    )


def _of_cmake(path: pathlib.Path) -> Iterator[Message]:
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r'message\(FATAL_ERROR\s+((?:"[^"]*"\s*)+)\)', text):
        said = "".join(re.findall('"([^"]*)"', match[1]))
        rule, remedy = split(re.sub(r"\$\{\w+\}", VALUE, said))
        yield Message(rule, remedy, "CMake", str(path.relative_to(ROOT)), text.count("\n", 0, match.start()) + 1)


def _of_file(path: pathlib.Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = _constants(tree)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    name = str(path.relative_to(ROOT))
    for node in ast.walk(tree):
        text = None if _is_docstring(node, parents) or _is_inner(node, parents) else _text(node, constants)
        if text and ("Received:" in text or "Remedy:" in text):
            rule, remedy = split(text)
            if re.search("[A-Za-z]{3}", rule.replace("Bundle's", "")):
                yield Message(rule, remedy, _error(node, parents, tree), name, node.lineno)
        elif isinstance(node, ast.Call) and _called(node) in ("require", "_require") and len(node.args) == 3:
            rule = _text(node.args[1], constants)
            if rule:
                yield Message(rule, "", "BundleError", name, node.lineno)


def split(text: str) -> tuple[str, str]:
    """Rule and remedy of a message; what it received is left out."""
    rule, _, rest = " ".join(text.split()).partition("Received:")
    if not rest:
        rule, _, remedy = rule.partition("Remedy:")
        return rule.strip(), _sentence(remedy)
    _, has_remedy, remedy = rest.partition("Remedy:")
    if not has_remedy:
        # The first full stop behind what was received; three of them end no sentence.
        remedy = (re.split(r"(?<!\.)\. ", rest, maxsplit=1) + [""])[1]
    return rule.strip(), _sentence(remedy)


def _sentence(text: str) -> str:
    text = text.strip()
    if text.endswith(f": {VALUE}"):  # What was printed follows some remedies.
        text = text[: text.rfind(". ") + 1]
    text = text.removesuffix(VALUE) or text
    return text[:1].upper() + text[1:]


def _constants(tree: ast.Module) -> dict[str, str]:
    """Module-level strings by name, with those of the modules that messages take their remedies from."""
    shared = ("micro_runtime/errors.py", "export/ir/verify.py")
    constants: dict[str, str] = {}
    for module in (*(ast.parse((ROOT / path).read_text(encoding="utf-8")) for path in shared), tree):
        for node in module.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                text = _text(node.value, constants)
                if text is not None:
                    constants[node.targets[0].id] = text
    return constants


def _text(node: ast.AST, constants: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(part.value)
        else:
            name = part.value.id if isinstance(part.value, ast.Name) else ""
            parts.append(constants.get(name, VALUE))
    return "".join(parts)


def _is_docstring(node: ast.AST, parents: dict) -> bool:
    return isinstance(parents.get(node), ast.Expr)


def _is_inner(node: ast.AST, parents: dict) -> bool:
    """True for the pieces of an f-string, and for constants that messages are put together from."""
    parent = parents.get(node)
    is_piece = isinstance(parent, ast.JoinedStr)
    return is_piece or (isinstance(parent, ast.Assign) and isinstance(parents.get(parent), ast.Module))


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _error(node: ast.AST, parents: dict, tree: ast.Module) -> str:
    """The class of the exception: of the call that the message is in, or of one that takes it from this function."""
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.Call) and _called(node).endswith("Error"):
            return _called(node)
        if isinstance(node, ast.FunctionDef):
            return _raised_with(node.name, tree)
    return "ValueError"


def _raised_with(function: str, tree: ast.Module) -> str:
    for raising in ast.walk(tree):
        if isinstance(raising, ast.Raise) and isinstance(raising.exc, ast.Call):
            calls = [node for node in ast.walk(raising.exc) if isinstance(node, ast.Call)]
            if any(_called(call) == function for call in calls) and _called(raising.exc).endswith("Error"):
                return _called(raising.exc)
    return "ValueError"


def trainer_statuses() -> dict[str, str]:
    """What the trainer returns, by name: its meaning as the header has it, which may be empty."""
    lines = re.findall(r"TFDGSU_STATUS\((\w+)\)\s*(?:/\* (.*?) \*/)?", STATUSES.read_text(encoding="utf-8"))
    return {name: meaning for name, meaning in lines if name not in ("Name", "name", "Ok")}


def checkpoint_statuses() -> dict[str, str]:
    """What the checkpoint library returns, by name: its meaning."""
    lines = re.findall(r'X\((\w+), "\w+", "(.*?)"\)', CHECKPOINT_STATUSES.read_text(encoding="utf-8"))
    return {name: meaning for name, meaning in lines if name != "Ok"}
