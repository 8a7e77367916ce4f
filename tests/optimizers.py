# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The optimizers that train on a device, as parameters of tests name them."""

import keras

import tfdgsu

TRUST_COEFFICIENT = 0.3  # Large, so that a few steps move weights visibly.


def make_optimizer(learning_rate, momentum):
    """SGD with that momentum, or LARS for "lars"."""
    if momentum == "lars":
        return tfdgsu.LARS(learning_rate, TRUST_COEFFICIENT)
    return keras.optimizers.SGD(learning_rate, momentum=momentum)


def plan_arguments(momentum):
    """What a plan must count for it."""
    return {"optimizer": "lars"} if momentum == "lars" else {"momentum": momentum > 0}
