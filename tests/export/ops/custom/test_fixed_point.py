# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels' integer arithmetic against exact rational numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from tfdgsu.export.ops.custom.fixed_point import add_scalings, convolution_scalings, quantize_multiplier, scale_sums

_REALS = [1.0, 0.5, 0.75, 1 / 3, 0.9999999999, 1 - 2**-40, 2.0**-31, 2.0**-32 * 1.5, 3.7e-9, 1e-5, 0.0042, 17.3, 1e6]


@pytest.mark.parametrize("real", _REALS)
def test_multiplier_is_the_nearest_of_31_bits(real):
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    unit = Fraction(2) ** (shift - 31)
    assert abs(Fraction(real) - multiplier * unit) <= unit / 2


@pytest.mark.parametrize("real", [0.0, 2.0**-33, 1e-12])
def test_what_is_too_small_becomes_zero(real):
    assert quantize_multiplier(real) == (0, 0)


def _round_half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _round_half_away(value: Fraction) -> int:
    return _round_half_up(value) if value >= 0 else -_round_half_up(-value)


@pytest.mark.parametrize("real", _REALS[:-2])
def test_sums_are_rounded_twice(real):
    multiplier, shift = quantize_multiplier(real)
    rng = np.random.default_rng(0)
    edges = [0, 1, -1, 2**30, -(2**30), 2**31 - 1, -(2**31), 3, -3]
    shifted = [s * k + d for k in (1 << max(-shift, 0),) for s in (1, -1, 3, -5) for d in (-1, 0, 1)]
    sums = [v for v in (*edges, *shifted, *map(int, rng.integers(-(2**24), 2**24, 200))) if abs(v) <= 2**31 - 1]
    if shift > 0:
        sums = [v for v in sums if abs(v) << shift < 2**31]
    for value, actual in zip(sums, scale_sums(sums, multiplier, shift), strict=True):
        high = _round_half_up(Fraction((value << max(shift, 0)) * multiplier, 1 << 31))
        assert actual == _round_half_away(Fraction(high, 1 << max(-shift, 0))), (value, multiplier, shift)


def test_convolution_has_a_scaling_per_channel():
    multipliers, shifts = convolution_scalings(0.05, np.float32([0.01, 0.3]), 0.02, 2)
    expected = [
        quantize_multiplier(float(np.float32(0.05)) * float(np.float32(s)) / float(np.float32(0.02)))
        for s in (0.01, 0.3)
    ]
    assert list(zip(multipliers, shifts)) == expected
    shared, _ = convolution_scalings(0.05, np.float32([0.01]), 0.02, 3)
    assert list(shared) == [multipliers[0]] * 3


def test_scalings_of_a_sum_are_below_one():
    for x, y, total in ((0.1, 0.2, 0.15), (3.0, 3.0, 4.0), (1e-3, 5.0, 2.0)):
        scalings = add_scalings(x, y, total)
        assert all(shift <= 0 for _, shift in scalings)
        assert max(scalings.x, scalings.y, key=lambda s: (s.shift, s.multiplier)) == quantize_multiplier(0.5)
