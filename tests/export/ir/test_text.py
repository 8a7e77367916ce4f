# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
from tfdgsu.export.ir import Graph, Op, Signature, Tensor

EXPECTED = """\
graph(%x: float32[1,2], @train: int32[1])
  %y: float32[1,3] = FULLY_CONNECTED(%x, @w, @b)
  TfdgsuBiasGrad(@train, %y, !@b, _) {momentum=0.5, nesterov=0}
return %y: float32[1,3]
signature infer(x=%x) -> (output=%y)
"""


def test_text_of_every_construct():
    x, y = Tensor("x", (1, 2)), Tensor("y", (1, 3))
    w = Tensor("w", (3, 2), data=np.zeros((3, 2), np.float32))
    b = Tensor("b", (3,), is_variable=True)
    train = Tensor("train", (1,), "int32", is_variable=True)
    update = Op(
        "TfdgsuBiasGrad", [train, y, b, None], [], {"nesterov": 0, "momentum": 0.5}, is_custom=True, mutates=(b,)
    )
    graph = Graph([Op("FULLY_CONNECTED", [x, w, b], [y]), update], [x, train], [y])
    graph.signatures["infer"] = Signature({"x": x}, {"output": y})
    assert str(graph) == EXPECTED
