# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""exp, log and sums of float32 numbers, with the operations of `kernels/deterministic_math.h` in their order.

Bit for bit what a device computes. Numbers of another precision go to NumPy's functions.
"""

import numpy as np

# Polynomials of S. Moshier's Cephes library (expf, logf), rounded to float32.
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_LOG2_E, _LN2_HIGH, _LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
_SQRT_HALF = np.float32(0.707106781)
_NORMAL_MIN = 2.0**-125  # below, a float32 may have fewer than 24 bits
_EXP_MIN, _EXP_MAX = np.float32(-104.0), np.float32(89.0)  # beyond: 0 and infinity


@np.errstate(all="ignore")
def exp(x):
    """e**x of an array; float32 as on the device, off by less than one unit in the last place."""
    if x.dtype != np.float32:
        return np.exp(x)
    inside = np.clip(np.where(np.isnan(x), np.float32(0), x), _EXP_MIN, _EXP_MAX)
    scaled = inside * _LOG2_E
    n = (scaled + np.where(scaled < 0, np.float32(-0.5), np.float32(0.5))).astype(np.int32)
    k = n.astype(np.float32)
    r = (inside - k * _LN2_HIGH) - k * _LN2_LOW
    power = (_polynomial(_EXP, r) * (r * r) + r) + np.float32(1)
    half = (n + 256) // 2 - 128
    power = (power * _power_of_two(half)) * _power_of_two(n - half)
    power = np.where(x > _EXP_MAX, np.float32(np.inf), np.where(x < _EXP_MIN, np.float32(0), power))
    return np.where(np.isnan(x), x, power)


@np.errstate(all="ignore")
def log(x):
    """Natural logarithm of an array; float32 as on the device, off by less than one unit in the last place."""
    if x.dtype != np.float32:
        return np.log(x)
    mantissa, exponent = np.frexp(x)
    is_low = mantissa < _SQRT_HALF
    k = (exponent - is_low).astype(np.float32)
    r = np.where(is_low, mantissa + mantissa, mantissa) - np.float32(1)
    z = r * r
    y = (_polynomial(_LOG, r) * r) * z
    y = (y + k * _LN2_LOW) - np.float32(0.5) * z
    value = (r + y) + k * _LN2_HIGH
    value = np.where(x == 0, np.float32(-np.inf), np.where(x < 0, np.float32(np.nan), value))
    return np.where(np.isfinite(x) | (x < 0), value, x)


@np.errstate(all="ignore")
def log1p(x):
    """log(1 + x) of an array in [0, 1], without the loss of small x (W. Kahan); within 3 units in the last place."""
    if x.dtype != np.float32:
        return np.log1p(x)
    u = np.float32(1) + x
    return np.where(u == 1, x, log(u) * x / (u - np.float32(1)))


def sequential_sum(values):
    """Sum over the last axis, one element after the other, from 0 on; keeps the axis, with size 1."""
    total = np.zeros(values.shape[:-1], values.dtype)
    for i in range(values.shape[-1]):
        total = total + values[..., i]
    return total[..., None]


@np.errstate(all="ignore")
def multiply_add(a, b, addend):
    """a * b + addend of arrays, element by element; of float32 with one rounding, as `kernels/multiply_add.h`."""
    if addend.dtype != np.float32:
        return a * b + addend
    product = np.multiply(a, b, dtype=np.float64)  # exact
    total = product + addend
    bits = total.view(np.int64)
    # Rounded twice, to float64 and then to float32, a sum goes wrong only if the first result lies between two
    # floats, or is small enough to have fewer bits. There it is rounded to odd first (Boldo and Melquiond, 2008).
    is_at_risk = ((bits & 0x1FFFFFFF) == 0x10000000) | ((np.abs(total) < _NORMAL_MIN) & (total != 0))
    if is_at_risk.any():
        addend_part = total - product
        error = (product - (total - addend_part)) + (addend - addend_part)
        is_even = (bits & 1) == 0
        total = np.where(is_even & (error > 0), np.nextafter(total, np.inf), total)
        total = np.where(is_even & (error < 0), np.nextafter(total, -np.inf), total)
    return total.astype(np.float32)


def _polynomial(coefficients, x):
    y = np.float32(coefficients[0])
    for coefficient in coefficients[1:]:
        y = y * x + np.float32(coefficient)
    return y


def _power_of_two(exponent):
    return ((exponent + 127).astype(np.int32) << 23).view(np.float32)
