# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""A number that tells whether a model still has the frozen kernels that it was exported with."""

import zlib

import numpy as np


def compute_frozen_checksum(sparse_model) -> int:
    """CRC-32 over the kernels that the plan of a `SparseUpdateModel` leaves alone, in the order of the layers."""
    updated = {update.name for update in sparse_model.plan.layers if update.n_selected}
    checksum = 0
    for layer in sparse_model.model.layers:
        if layer.name not in updated and getattr(layer, "kernel", None) is not None:
            checksum = zlib.crc32(np.ascontiguousarray(layer.kernel.numpy(), "<f4").tobytes(), checksum)
    return checksum
