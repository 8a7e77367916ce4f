# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Lets gradient ops pad by themselves where the forward pass has a PAD in front of a convolution.

TensorFlow Lite pads as SAME or not at all, so symmetric padding at stride 2 is an op of its own. Gradients
would follow it: an input gradient with its border, then a copy without it, twice the largest gradient of the network.
A gradient op's padding is explicit, so it needs neither.
"""

from __future__ import annotations

from ..ir import Graph, Op, Tensor
from ..ops.custom import REGISTRY

_INPUT_GRADIENTS = tuple(kind for kind in REGISTRY if "Conv2DGradInput" in kind)
_FILTER_GRADIENTS = tuple(kind for kind in REGISTRY if "Conv2DGradFilter" in kind)


def run(graph: Graph) -> Graph:
    """Drops the copies, and keeps channels of the image without its border; returns the graph."""
    for op in list(graph.ops):
        if op.kind == "TfdgsuSlice":
            _write_without_border(graph, op)
    for op in graph.ops:
        if op.kind in _FILTER_GRADIENTS:
            _read_without_border(graph, op)
    return graph


def _write_without_border(graph: Graph, crop: Op) -> None:
    padded = crop.inputs[1]
    producer = graph.producer(padded)
    if producer is None or producer.kind not in _INPUT_GRADIENTS or len(graph.consumers(padded)) != 1:
        return
    names = [operand.name for operand in REGISTRY[producer.kind].INPUTS]
    has_epilogue = any(producer.inputs[names.index(name)] is not None for name in ("addend", "bits"))
    _, begins, _ = REGISTRY["TfdgsuSlice"].box(crop.options)
    is_spatial = begins[0] == begins[3] == 0 and padded.shape[::3] == crop.outputs[0].shape[::3]
    kernel, dy = producer.inputs[names.index("w")], producer.inputs[names.index("dy")]
    if has_epilogue or not is_spatial:
        return
    options = _shifted(producer.options, begins[1:3], kernel, dy, crop.outputs[0])
    if options is not None:
        producer.options = options
        producer.outputs = crop.outputs
        del graph.ops[graph.index(crop)]


def _read_without_border(graph: Graph, update: Op) -> None:
    names = [operand.name for operand in REGISTRY[update.kind].INPUTS]
    position = names.index("x_sel")
    kernel, dy = update.inputs[names.index("w")], update.inputs[names.index("dy")]
    kept = update.inputs[position]
    gather = graph.producer(kept)
    is_gathered = gather is not None and gather.kind == "TfdgsuGatherChannels" and len(graph.consumers(kept)) == 1
    pad = graph.producer(gather.inputs[1]) if is_gathered else gather
    if pad is None or not _is_spatial_padding(pad):
        return
    image = pad.inputs[0]
    options = _shifted(update.options, [int(n) for n in pad.inputs[1].data[1:3, 0]], kernel, dy, image)
    if options is None:
        return
    update.options = options
    if is_gathered:
        gather.inputs[1] = image
        kept.shape = (*image.shape[:3], kept.shape[3])
    else:
        update.inputs[position] = image


def _is_spatial_padding(op: Op) -> bool:
    """Whether it pads an image with zeros: the real number, which is the zero point of an int8 tensor."""
    if op.kind != "PAD" or len(op.inputs[0].shape) != 4 or not op.inputs[1].is_constant:
        return False
    return not op.inputs[1].data[[0, 3]].any()


def _shifted(options: dict, border: list[int], kernel: Tensor, dy: Tensor, image: Tensor) -> dict | None:
    """The options with ``border`` more padding; None where a window would lie in the padding alone."""
    shifted = {**options, "pad_top": options["pad_top"] + border[0], "pad_left": options["pad_left"] + border[1]}
    for axis, (pad, stride) in enumerate((("pad_top", "stride_h"), ("pad_left", "stride_w")), start=1):
        last = (dy.shape[axis] - 1) * shifted[stride] - shifted[pad]
        if shifted[pad] >= kernel.shape[axis] or last >= image.shape[axis]:
            return None
    return shifted
