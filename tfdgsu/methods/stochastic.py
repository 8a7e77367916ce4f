# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""Which Keras layers draw random numbers in training and have no weights: noise and augmentation."""

from keras import layers

_NOISE = ("AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise")
_PREFIXES = ("Random", "SpatialDropout")

STOCHASTIC = tuple(getattr(layers, name) for name in dir(layers) if name in _NOISE or name.startswith(_PREFIXES))


def is_stochastic(layer) -> bool:
    """True for dropout, noise and random augmentation, which stay active in front of the gradient path."""
    return isinstance(layer, STOCHASTIC)
