// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// From 32-bit sums to int8 results, by the two roundings of TFLM's reference kernels.

#ifndef TFDGSU_KERNELS_REQUANTIZE_H_
#define TFDGSU_KERNELS_REQUANTIZE_H_

#include <stddef.h>

#include "tfdgsu/kernels.h"

enum { kTfdgsuTile = 16 };  // channels that are scaled at a time

// Negative numbers are shifted to the right below, which C leaves to the compiler: it has to keep the sign.
typedef char TfdgsuShiftsKeepSigns[(-1 >> 1) == -1 ? 1 : -1];

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
  value = value < min ? min : value;
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

// Scalings of some channels of a stage, in a form without shifts that differ from lane to lane.
typedef struct {
  uint32_t multiplier[kTfdgsuTile];
  uint32_t half[kTfdgsuTile];  // of a unit of the second rounding
  uint32_t unit[kTfdgsuTile];  // 2^(31 - right shift)
  int32_t bias[kTfdgsuTile];
  const int32_t* shift;  // if any of them is to the left, else NULL
} TfdgsuScalings;

// Of the channels [c, c + n). All lanes are set, so that whole tiles can be worked on.
static inline void tfdgsu_load_scalings(TfdgsuScalings* s, const TfdgsuStageI8* stage, int32_t c,
                                        int32_t n) {
  s->shift = NULL;
  for (int32_t i = 0; i < kTfdgsuTile; ++i) {
    const int32_t shift = i < n ? stage->shift[c + i] : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    if (shift > 0) s->shift = stage->shift + c;
    s->multiplier[i] = i < n ? (uint32_t)stage->multiplier[c + i] : 0u;
    s->half[i] = ((uint32_t)1 << right) >> 1;
    s->unit[i] = (uint32_t)1 << (31 - right);
    s->bias[i] = i < n && stage->bias ? stage->bias[c + i] : 0;
  }
}

// As tfdgsu_scale_sum for shifts to the right, on magnitudes: at most 2^31 * (2^31 - 1) + 2^30, then
// (2^31 + 2^30) * 2^31, both below 2^64.
static inline int32_t tfdgsu_scale_lane(int32_t sum, uint32_t multiplier, uint32_t half,
                                        uint32_t unit) {
  const int32_t sign = sum >> 31;
  const uint32_t magnitude = (uint32_t)(sum ^ sign) - (uint32_t)sign;
  const uint32_t nudge = ((uint32_t)1 << 30) + (uint32_t)sign;
  const uint32_t high = (uint32_t)(((uint64_t)magnitude * multiplier + nudge) >> 31);
  const uint32_t rounded = (uint32_t)(((uint64_t)(high + half) * unit) >> 31);
  return (int32_t)((rounded ^ (uint32_t)sign) - (uint32_t)sign);
}

// Some channels of one pixel: y[i] from sums[i], which hold no bias yet and are overwritten. y may
// alias addend.
static inline void tfdgsu_requantize_tile(int8_t* y, int32_t* sums, int32_t n,
                                          const TfdgsuScalings* s, const TfdgsuStageI8* stage,
                                          const int8_t* addend, const TfdgsuAddI8* add) {
  const int32_t zero_point = stage->zero_point, min = stage->min, max = stage->max;
  for (int32_t i = 0; i < kTfdgsuTile; ++i) {
    sums[i] = (int32_t)((uint32_t)sums[i] + (uint32_t)s->bias[i]);
  }
  if (s->shift) {
    for (int32_t i = 0; i < n; ++i) {
      sums[i] = tfdgsu_scale_sum(sums[i], (int32_t)s->multiplier[i], s->shift[i]);
    }
  } else {
    for (int32_t i = 0; i < kTfdgsuTile; ++i) {
      sums[i] = tfdgsu_scale_lane(sums[i], s->multiplier[i], s->half[i], s->unit[i]);
    }
  }
  for (int32_t i = 0; i < kTfdgsuTile; ++i) {
    // Clamped before it is moved, since a scaled sum may have 32 bits.
    sums[i] = tfdgsu_clamp(sums[i], min - zero_point, max - zero_point) + zero_point;
  }
  for (int32_t i = 0; i < n; ++i) {
    y[i] = add ? tfdgsu_add_i8(addend[i], sums[i], add) : (int8_t)sums[i];
  }
}

#endif  // TFDGSU_KERNELS_REQUANTIZE_H_
