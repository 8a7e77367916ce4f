# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A number that tells whether a model still has the frozen weights that it was exported with."""

import zlib

import numpy as np


def compute_frozen_checksum(sparse_model) -> int:
    """CRC-32 over the weights of a `SparseUpdateModel` that no step moves, in the order of the model's.

    Those are the weights of other layers than the update layers, kernels of which only the bias is updated, biases that
    aren't, and input channels outside a layer's pool.
    """
    items = sparse_model.update_variables.values()
    moving = {id(item.kernel) for item in items if item.update.n_selected} | {id(item.bias) for item in items}
    frozen = [weight.numpy() for weight in sparse_model.model.weights if id(weight) not in moving]
    for item in items:
        if item.update.has_pool:
            frozen.append(np.delete(item.kernel.numpy(), item.pool, axis=-2))
    checksum = 0
    for values in frozen:
        checksum = zlib.crc32(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes(), checksum)
    return checksum
