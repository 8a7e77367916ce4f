// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// exp and log in plain IEEE single precision, so that losses and gradients do not depend on a machine's
// libm. Polynomials of S. Moshier's Cephes library (expf, logf); errors below one unit in the last place.

#ifndef TFDGSU_KERNELS_DETERMINISTIC_MATH_H_
#define TFDGSU_KERNELS_DETERMINISTIC_MATH_H_

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float tfdgsu_float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

// 2^n for n in [-126, 127].
static inline float tfdgsu_power_of_two(int32_t n) {
  return tfdgsu_float_of_bits((uint32_t)(n + 127) << 23);
}

static inline float tfdgsu_exp(float x) {
  if (x != x) return x;
  if (x > 89.0f) return INFINITY;
  if (x < -104.0f) return 0.0f;
  const float scaled = x * 1.44269504f;
  const int32_t n = (int32_t)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
  const float k = (float)n;
  // ln 2 in two parts; the product with the first is exact.
  const float r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * (r * r) + r) + 1.0f;
  // In two steps: n is in [-150, 128], and the result may overflow or be subnormal.
  const int32_t half = (n + 256) / 2 - 128;
  return (p * tfdgsu_power_of_two(half)) * tfdgsu_power_of_two(n - half);
}

static inline float tfdgsu_log(float x) {
  if (!(x < INFINITY)) return x;  // infinity and NaN
  if (x <= 0.0f) return x < 0.0f ? NAN : -INFINITY;
  int32_t exponent = -126;
  if (x < 1.17549435e-38f) {
    x *= 8388608.0f;
    exponent -= 23;
  }
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  exponent += (int32_t)(bits >> 23);
  float r = tfdgsu_float_of_bits((bits & 0x007fffffu) | 0x3f000000u);  // in [0.5, 1)
  if (r < 0.707106781f) {
    exponent -= 1;
    r = r + r;
  }
  r -= 1.0f;
  const float k = (float)exponent, z = r * r;
  float p = 7.0376836292e-2f;
  p = p * r + -1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r + -1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r + -1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r + -2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  const float y = ((p * r) * z + k * -2.12194440e-4f) - 0.5f * z;
  return (r + y) + k * 0.693359375f;
}

// log(1 + x) for x in [0, 1] without the loss of small x (W. Kahan); within 3 units in the last place.
static inline float tfdgsu_log1p(float x) {
  const float u = 1.0f + x;
  return u == 1.0f ? x : tfdgsu_log(u) * x / (u - 1.0f);
}

#endif  // TFDGSU_KERNELS_DETERMINISTIC_MATH_H_
