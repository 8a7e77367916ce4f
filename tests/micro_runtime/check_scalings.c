// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Compares a core's own scaling of sums with that of requantize.h: ends of the ranges and random numbers of all sizes.
// Returns 1 at the first difference.

#include "variant.h"

#if TFDGSU_INTEGER_VARIANT == TFDGSU_IS_MVE
#include "mve/requantize_mve.h"
#elif TFDGSU_INTEGER_VARIANT == TFDGSU_IS_DSP
#include "dsp/scale_sum.h"
#endif

#include <stdint.h>
#include <stdio.h>

enum { kRandomSums = 400, kMinShift = -31, kMaxShift = 30 };

static const int32_t kSums[] = {INT32_MIN, INT32_MIN + 1, -(1 << 30) - 1, -(1 << 30), -2, -1, 0, 1, 2, (1 << 30) - 1,
                                1 << 30,   INT32_MAX - 1, INT32_MAX};
static const int32_t kMultipliers[] = {0, 1, 1 << 30, (1 << 30) + 1, INT32_MAX - 1, INT32_MAX};

enum { kEdgeSums = sizeof(kSums) / sizeof(kSums[0]), kMultiplierEdges = sizeof(kMultipliers) / sizeof(kMultipliers[0]) };

static uint32_t Random(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state ^ state >> 15;
}

#if TFDGSU_INTEGER_VARIANT == TFDGSU_IS_MVE
static int32_t Scale(int32_t sum, int32_t multiplier, int32_t shift) {
  TfdgsuQuarters lanes = {{0}, {0}, {0}, shift > 0};
  int32_t results[4];
  for (int i = 4; i < 8; ++i) {
    lanes.multiplier[i] = multiplier;
    lanes.shift[i] = shift;
  }
  vstrwq_s32(results, tfdgsu_scale_lanes(vdupq_n_s32(sum), &lanes, 1));
  return results[3];
}
#elif TFDGSU_INTEGER_VARIANT == TFDGSU_IS_DSP
static int32_t Scale(int32_t sum, int32_t multiplier, int32_t shift) {
  if (shift > 0) return tfdgsu_scale_sum(sum, multiplier, shift);
  const int32_t residual = tfdgsu_scale_residual(sum, multiplier, shift);
  if (shift <= -2 && tfdgsu_scale_and_move(sum, multiplier, -shift - 2, 1) != residual) return residual + 1;
  return residual;
}
#else
#error "This core has no scaling of its own"
#endif

int main(void) {
  for (int32_t shift = kMinShift; shift <= kMaxShift; ++shift) {
    for (int32_t i = 0; i < kRandomSums; ++i) {
      const int32_t sum = i < kEdgeSums ? kSums[i] : (int32_t)Random() >> (Random() % 32);
      for (int32_t k = 0; k <= kMultiplierEdges; ++k) {
        const int32_t multiplier = k < kMultiplierEdges ? kMultipliers[k] : (int32_t)(Random() >> 1);
        const int32_t got = Scale(sum, multiplier, shift), expected = tfdgsu_scale_sum(sum, multiplier, shift);
        if (got == expected) continue;
        printf("%ld * %ld, shift %ld: %ld, not %ld\n", (long)sum, (long)multiplier, (long)shift, (long)got,
               (long)expected);
        return 1;
      }
    }
  }
  return 0;
}
