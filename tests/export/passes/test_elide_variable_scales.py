# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
from tfdgsu.export.ir import Graph, Op, Quantization, Tensor
from tfdgsu.export.passes import elide_variable_scales


def _tensor(name, is_variable=False):
    return Tensor(name, (1, 4), "int8", is_variable=is_variable, quantization=Quantization.of(np.full(4, 0.5), axis=1))


def test_variable_that_a_builtin_op_reads_keeps_its_scales():
    x, y, custom, builtin = _tensor("x"), _tensor("y"), _tensor("custom", True), _tensor("builtin", True)
    ops = [Op("TfdgsuConvBlock", [x, custom, builtin], [], is_custom=True), Op("ADD", [x, builtin], [y])]
    elide_variable_scales.run(Graph(ops, [x], [y]))
    assert custom.quantization is None
    assert builtin.quantization is not None
    assert x.quantization is not None
