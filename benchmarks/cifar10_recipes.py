# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of the table that `cifar10.py` makes, by name.

Block 7 is the first whose outputs are 8x8; in front of it nothing is ever updated, but by "full".
"""

import dataclasses

from tfdgsu.study import Recipe

_BLOCKS_7_16 = ("b[7-9]_*", "b1[0-6]_*")
_EXPAND_7_16 = ("b[7-9]_expand", "b1[0-6]_expand")
_POINTWISE_13_16 = ("b1[3-6]_expand", "b1[3-6]_project")

_SGD = Recipe("sgd", layers=_EXPAND_7_16, n_views=16, epochs=30, learning_rate=0.3, clip_norm=1.0)
# Of convolutions the rate follows the gradient, and a low one for the rest needs no clipping: a device has none.
_LARS = dataclasses.replace(_SGD, optimizer="lars", learning_rate=0.1, clip_norm=0.0, epochs=60)
_BIAS = dataclasses.replace(_SGD, update="bias", layers=_BLOCKS_7_16)
_DENSE = dataclasses.replace(_SGD, update="dense", learning_rate=0.025, momentum=0.9, epochs=10)
_TENTH = dataclasses.replace(_LARS, update_fraction=0.1)

ROWS = {
    recipe.name: recipe
    for recipe in (
        # Each view costs a pass through what lies in front, here the whole network: so only two.
        dataclasses.replace(_SGD, name="head", update="head", n_views=2),
        dataclasses.replace(_BIAS, name="bias"),
        dataclasses.replace(_SGD, name="dynamic_sgd_2"),
        dataclasses.replace(_LARS, name="static_l1_2", policy="static_l1"),
        dataclasses.replace(_LARS, name="static_2", policy="static"),
        dataclasses.replace(_LARS, name="dynamic_2"),
        dataclasses.replace(_TENTH, name="static_l1_10", policy="static_l1"),
        dataclasses.replace(_TENTH, name="static_10", policy="static"),
        dataclasses.replace(_TENTH, name="dynamic_10"),
        # As of "head", most of the network lies in front.
        dataclasses.replace(_DENSE, name="dense_13_16", layers=_POINTWISE_13_16, n_views=4),
        dataclasses.replace(_DENSE, name="dense_expand"),
        dataclasses.replace(_DENSE, name="dense_7_16", layers=_BLOCKS_7_16),
        dataclasses.replace(_DENSE, name="full", layers=(), epochs=20),
    )
}
