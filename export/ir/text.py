# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Stable text form of a graph: same graph, same text, on every run and machine.

``@name`` is a constant or a variable, ``%name`` a value made at run time, ``_`` an
omitted operand; ``!`` marks an operand that the op overwrites in place::

    graph(%x: float32[1,8,8,1], %y: int32[1])
      %conv: float32[1,8,8,4] = CONV_2D(%x, @conv/kernel, @conv/bias) {padding=0, strideH=1}
      TfdgsuBiasGrad(%train, %learning_rate, %dconv, !@conv/bias, _) {momentum=0.0}
    return %output: float32[1,10]
"""

from __future__ import annotations

from typing import Any

from .graph import Graph, Op, Tensor


def format_graph(graph: Graph) -> str:
    """The whole graph, a line per op, signatures at the end; what ``str(graph)`` gives."""
    lines = [f"graph({', '.join(_typed(t) for t in graph.inputs)})"]
    lines += ["  " + format_op(op) for op in graph.ops]
    lines.append(f"return {', '.join(_typed(t) for t in graph.outputs)}")
    for name, signature in sorted(graph.signatures.items()):
        ins = ", ".join(f"{k}={_reference(t)}" for k, t in signature.inputs.items())
        outs = ", ".join(f"{k}={_reference(t)}" for k, t in signature.outputs.items())
        lines.append(f"signature {name}({ins}) -> ({outs})")
    return "\n".join(lines) + "\n"


def format_op(op: Op) -> str:
    """One op without indentation: results, kind, operands, options sorted by name."""
    operands = ", ".join(_operand(op, tensor) for tensor in op.inputs)
    result = ", ".join(_typed(t) for t in op.outputs)
    call = f"{op.kind}({operands}){_format_options(op.options)}"
    return f"{result} = {call}" if result else call


def _operand(op: Op, tensor: Tensor | None) -> str:
    if tensor is None:
        return "_"
    mark = "!" if any(t is tensor for t in op.mutates) else ""
    return mark + _reference(tensor)


def _reference(tensor: Tensor) -> str:
    sigil = "@" if tensor.is_constant or tensor.is_variable else "%"
    return sigil + tensor.name


def _typed(tensor: Tensor) -> str:
    return f"{_reference(tensor)}: {tensor.dtype}[{','.join(map(str, tensor.shape))}]"


def _format_options(options: Any) -> str:
    fields = options_as_dict(options)
    if not fields:
        return ""
    return " {" + ", ".join(f"{k}={_value(v)}" for k, v in sorted(fields.items())) + "}"


def options_as_dict(options: Any) -> dict[str, Any]:
    """Options of a builtin (schema object) or of a custom op (dict), as one dict."""
    if options is None:
        return {}
    return dict(options) if isinstance(options, dict) else dict(vars(options))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return repr(value)
    tolist = getattr(value, "tolist", None)
    return str(tolist() if tolist else value)
