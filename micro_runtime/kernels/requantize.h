// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// From 32-bit sums to int8 results, by the two roundings of TFLM's reference kernels.

#ifndef TFDGSU_KERNELS_REQUANTIZE_H_
#define TFDGSU_KERNELS_REQUANTIZE_H_

#include "tfdgsu/kernels.h"

// sum * multiplier * 2^(shift - 31): half up at the high half of the product, then half away from
// zero. Sums shifted to the left wrap. The product has at most 31 + 31 bits and a sign; its high
// half is no larger than the sum, so that half of a unit of the second rounding needs 64 bits.
static inline int32_t tfdgsu_scale_sum(int32_t sum, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
  const int32_t shifted = (int32_t)((uint32_t)sum << left);
  const int64_t high = ((int64_t)shifted * multiplier + ((int64_t)1 << 30)) >> 31;
  const int64_t half = ((int64_t)1 << right) >> 1;
  return (int32_t)((high + half - (high < 0 && right > 0)) >> right);
}

static inline int32_t tfdgsu_clamp(int32_t value, int32_t min, int32_t max) {
  if (value < min) return min;
  return value > max ? max : value;
}

// The residual sum. Operands have 9 bits and are scaled from 29; their sum has 30.
static inline int8_t tfdgsu_add_i8(int32_t x, int32_t y, const TfdgsuAddI8* add) {
  enum { kUnit = 1 << 20 };
  const int32_t sum =
      tfdgsu_scale_sum((x - add->x_zero_point) * kUnit, add->x_multiplier, add->x_shift) +
      tfdgsu_scale_sum((y - add->y_zero_point) * kUnit, add->y_multiplier, add->y_shift);
  const int32_t scaled = tfdgsu_scale_sum(sum, add->multiplier, add->shift);
  return (int8_t)tfdgsu_clamp(scaled + add->zero_point, add->min, add->max);
}

// y[i] = result of the sum of channel c + i, for i < n; sums don't hold the bias yet.
static inline void tfdgsu_requantize(int8_t* y, const int32_t* sums, int32_t c, int32_t n,
                                     const TfdgsuStageI8* stage, const int8_t* addend,
                                     const TfdgsuAddI8* add) {
  for (int32_t i = 0; i < n; ++i) {
    const int32_t bias = stage->bias ? stage->bias[c + i] : 0;
    const int32_t sum = (int32_t)((uint32_t)sums[i] + (uint32_t)bias);
    const int32_t scaled = tfdgsu_scale_sum(sum, stage->multiplier[c + i], stage->shift[c + i]);
    // In 64 bits: a scaled sum may be as large as the sum.
    const int64_t moved = (int64_t)scaled + stage->zero_point;
    const int64_t floored = moved < stage->min ? stage->min : moved;
    const int32_t value = (int32_t)(floored > stage->max ? stage->max : floored);
    y[i] = add ? tfdgsu_add_i8(addend[i], value, add) : (int8_t)value;
  }
}

#endif  // TFDGSU_KERNELS_REQUANTIZE_H_
