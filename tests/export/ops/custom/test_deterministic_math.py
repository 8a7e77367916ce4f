# SPDX-FileCopyrightText: 2026 The tfdgsu Authors
# SPDX-License-Identifier: Apache-2.0
"""exp and log of the losses, fused products: close to float64, and the same bits in C as in NumPy."""

import ctypes
import pathlib
import subprocess

import numpy as np
import pytest
from tfdgsu.export.ops.custom import deterministic_math

KERNELS = pathlib.Path(__file__).resolve().parents[4] / "micro_runtime" / "kernels"
RNG = np.random.default_rng(0)
SPECIAL = np.array(
    [
        0,
        -0.0,
        1,
        0.5,
        0.70710678,
        np.inf,
        -np.inf,
        np.nan,
        1e-45,
        1.1754944e-38,
        3.4e38,
        88.72,
        88.73,
        89.1,
        -87.4,
        -104.1,
    ],
    np.float32,
)
ANY_BITS = RNG.integers(0, 1 << 32, 200_000, np.uint64).astype(np.uint32).view(np.float32)


def _numbers(name):
    uniform = {"exp": (-105, 90), "log": (0, 4), "log1p": (0, 1)}[name]
    close = {"exp": (-1, 1), "log": (0.5, 1.5), "log1p": (0, 1e-3)}[name]
    drawn = [RNG.uniform(*limits, 200_000).astype(np.float32) for limits in (uniform, close)]
    if name == "log1p":
        return np.concatenate([*drawn, np.array([0, 1e-45, 1], np.float32)])
    return np.concatenate([*drawn, SPECIAL, ANY_BITS])


@pytest.mark.parametrize(("name", "most_ulps"), [("exp", 1.0), ("log", 1.0), ("log1p", 3.0)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_error_against_float64(name, most_ulps):
    x = _numbers(name)
    actual = getattr(deterministic_math, name)(x)
    exact = getattr(np, name)(x.astype(np.float64))
    rounded = exact.astype(np.float32)
    normal = np.isfinite(rounded) & (np.abs(rounded) >= np.finfo(np.float32).tiny)
    ulps = np.abs(actual[normal] - exact[normal]) / np.spacing(np.abs(rounded[normal])).astype(np.float64)
    assert ulps.max() < most_ulps
    np.testing.assert_array_equal(actual[~np.isfinite(rounded)], rounded[~np.isfinite(rounded)])
    below = np.isfinite(rounded) & ~normal
    np.testing.assert_allclose(actual[below], exact[below], rtol=0, atol=2e-45)


@pytest.mark.parametrize("name", ["exp", "log", "log1p"])
def test_c_and_numpy_agree_bit_for_bit(name, tmp_path):
    source, library = tmp_path / "functions.c", tmp_path / "functions.so"
    source.write_text(
        '#include "deterministic_math.h"\n'
        f"void apply(const float* x, float* y, int n) {{ for (int i = 0; i < n; ++i) y[i] = tfdgsu_{name}(x[i]); }}\n"
    )
    flags = ["-std=c99", "-O3", "-ffp-contract=off", "-Wall", "-Werror", "-shared", "-fPIC", f"-I{KERNELS}"]
    subprocess.run(["gcc", *flags, str(source), "-o", str(library)], check=True)
    x = _numbers(name)
    y = np.empty_like(x)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (x, y)]
    ctypes.CDLL(str(library)).apply(*pointers, x.size)
    np.testing.assert_array_equal(y, getattr(deterministic_math, name)(x))


def _hard_products():
    """Factors and addends whose sums lie near a tie, cancel, underflow or overflow; and any bits."""
    n = 300_000
    small = RNG.integers(1, 1 << 12, (2, n)) * 2.0 ** RNG.integers(-80, 20, (2, n))
    tie = -small[0] * small[1] * (1 + RNG.integers(-2, 3, n) * 2.0**-24)
    whole = RNG.normal(size=(3, n)) * 2.0 ** RNG.integers(-30, 30, (3, n))
    odd = np.array([1 + 2.0**-12 * RNG.integers(0, 4096, n), 1 + 2.0**-12 * RNG.integers(0, 4096, n)])
    far = 2.0 ** RNG.integers(-60, 60, n) * RNG.choice([-1, 1], n)
    parts = [[*small, tie], whole, [*odd, far], RNG.integers(0, 1 << 32, (3, n), np.uint64).astype(np.uint32)]
    floats = [np.asarray(part).astype(np.float32) for part in parts[:3]] + [parts[3].view(np.float32)]
    return [np.ascontiguousarray(column) for column in np.concatenate(floats, axis=1)]


@pytest.mark.parametrize("flags", [[], ["-mfma"]], ids=["libm", "instruction"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_fused_products_have_the_bits_of_c(flags, tmp_path):
    source, library = tmp_path / "fused.c", tmp_path / "fused.so"
    source.write_text(
        '#include "multiply_add.h"\n'
        "void apply(const float* a, const float* b, const float* s, float* y, int n) {\n"
        "  for (int i = 0; i < n; ++i) y[i] = tfdgsu_multiply_add(a[i], b[i], s[i]);\n}\n"
    )
    if flags and " fma " not in pathlib.Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no fused multiply-add")
    options = ["-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC", f"-I{KERNELS}", *flags]
    subprocess.run(["gcc", *options, str(source), "-lm", "-o", str(library)], check=True)
    operands = _hard_products()
    y = np.empty_like(operands[0])
    ctypes.CDLL(str(library)).apply(*(array.ctypes.data_as(ctypes.c_void_p) for array in (*operands, y)), y.size)
    np.testing.assert_array_equal(y, deterministic_math.multiply_add(*operands))
    wide = [array.astype(np.float64) for array in operands]
    rounded_twice = (wide[0] * wide[1] + wide[2]).astype(np.float32)
    for other in (operands[0] * operands[1] + operands[2], rounded_twice):
        assert np.count_nonzero((y != other) & np.isfinite(y)) > 100  # the cases tell them apart


def test_fused_products_round_once():
    a = np.float32([1 + 2**-12])
    np.testing.assert_array_equal(deterministic_math.multiply_add(a, a, np.float32([-1 - 2**-11])), [2**-24])


def test_sums_are_sequential():
    values = np.array([[1, 2**-24, 2**-24], [2**-24, 2**-24, 1]], np.float32)
    expected = np.array([[1], [1 + 2**-23]], np.float32)  # small terms are lost behind a large one
    np.testing.assert_array_equal(deterministic_math.sequential_sum(values), expected)
