// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// From 32-bit sums of 16 channels to int8 results, bit for bit as requantize.h. Vector k of four holds the channels k,
// k + 4, k + 8 and k + 12, so that narrowing them twice puts all in order.

#ifndef TFDGSU_KERNELS_MVE_REQUANTIZE_MVE_H_
#define TFDGSU_KERNELS_MVE_REQUANTIZE_MVE_H_

#include <arm_mve.h>

#include "../compiler.h"
#include "../requantize.h"

enum { kTfdgsuQuarters = 4 };

// Where channel i of 16 lies in arrays of the order above.
static inline int32_t tfdgsu_lane(int32_t i) { return i % kTfdgsuQuarters * kTfdgsuQuarters + i / kTfdgsuQuarters; }

typedef struct {
  int32_t multiplier[kTfdgsuTile], shift[kTfdgsuTile], bias[kTfdgsuTile];
  int32_t has_left_shift;
} TfdgsuQuarters;

// Of the channels [c, c + n); the other lanes give 0.
static inline void tfdgsu_load_quarters(TfdgsuQuarters* lanes, const TfdgsuStageI8* stage, int32_t c, int32_t n) {
  lanes->has_left_shift = 0;
  for (int32_t i = 0; i < kTfdgsuTile; ++i) {
    const int32_t at = tfdgsu_lane(i);
    lanes->multiplier[at] = i < n ? stage->multiplier[c + i] : 0;
    lanes->shift[at] = i < n ? stage->shift[c + i] : 0;
    lanes->bias[at] = i < n && stage->bias ? stage->bias[c + i] : 0;
    if (lanes->shift[at] > 0) lanes->has_left_shift = 1;
  }
}

// Half away from zero, for shifts to the right. Nothing saturates: a high half is above -2^31.
static inline int32x4_t tfdgsu_round_right(int32x4_t high, int32x4_t shift) {
  // The sign where the shift is not 0, to which rounding up is right for numbers below zero.
  const int32x4_t sign = vshrq_n_s32(vandq_s32(high, shift), 31);
  return vrshlq_s32(vaddq_s32(high, sign), shift);
}

// As tfdgsu_scale_sum. The high half saturates only for two factors of -2^31, and multipliers are not negative.
static inline int32x4_t tfdgsu_scale_lanes(int32x4_t sums, const TfdgsuQuarters* lanes, int32_t vector) {
  int32x4_t shift = vldrwq_s32(lanes->shift + kTfdgsuQuarters * vector);
  if (lanes->has_left_shift) {
    const int32x4_t none = vdupq_n_s32(0);
    sums = vshlq_s32(sums, vmaxq_s32(shift, none));
    shift = vminq_s32(shift, none);
  }
  return tfdgsu_round_right(vqrdmulhq_s32(sums, vldrwq_s32(lanes->multiplier + kTfdgsuQuarters * vector)), shift);
}

// As tfdgsu_add_i8 for four int8 numbers in 32 bits each.
static inline int32x4_t tfdgsu_scale_addend(int32x4_t x, int32_t zero_point, int32_t multiplier, int32_t shift) {
  const int32x4_t units = vshlq_n_s32(vsubq_n_s32(x, zero_point), 20);
  return tfdgsu_round_right(vqrdmulhq_n_s32(units, multiplier), vdupq_n_s32(shift));
}

static inline int32x4_t tfdgsu_add_lanes(int32x4_t x, int32x4_t y, const TfdgsuAddI8* add) {
  const int32x4_t sum = vaddq_s32(tfdgsu_scale_addend(x, add->x_zero_point, add->x_multiplier, add->x_shift),
                                  tfdgsu_scale_addend(y, add->y_zero_point, add->y_multiplier, add->y_shift));
  return tfdgsu_round_right(vqrdmulhq_n_s32(sum, add->multiplier), vdupq_n_s32(add->shift));
}

// Narrows scaled sums, moves and clamps them: in order, what lies outside of int8 being out of every range.
static inline int8x16_t tfdgsu_narrow(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d, int32_t zero_point,
                                      int32_t min, int32_t max) {
  int16x8_t even = vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), a), c);
  int16x8_t odd = vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), b), d);
  even = vqaddq_n_s16(even, (int16_t)zero_point);
  odd = vqaddq_n_s16(odd, (int16_t)zero_point);
  const int8x16_t all = vqmovntq_s16(vqmovnbq_s16(vdupq_n_s8(0), even), odd);
  return vminq_s8(vmaxq_s8(all, vdupq_n_s8((int8_t)min)), vdupq_n_s8((int8_t)max));
}

// n channels of one pixel, n constant if it is 16. y may alias addend.
TFDGSU_INLINE void tfdgsu_finish_lanes(int8_t* y, int32x4_t a, int32x4_t b, int32x4_t c,
                                       int32x4_t d, int32_t n, const TfdgsuQuarters* lanes,
                                       const TfdgsuStageI8* stage, const int8_t* addend,
                                       const TfdgsuAddI8* add) {
  a = tfdgsu_scale_lanes(a, lanes, 0);
  b = tfdgsu_scale_lanes(b, lanes, 1);
  c = tfdgsu_scale_lanes(c, lanes, 2);
  d = tfdgsu_scale_lanes(d, lanes, 3);
  int8x16_t result = tfdgsu_narrow(a, b, c, d, stage->zero_point, stage->min, stage->max);
  const mve_pred16_t first = vctp8q((uint32_t)n);
  if (add) {
    const int8x16_t x = vldrbq_z_s8(addend, first);
    const int16x8_t even_x = vmovlbq_s8(x), odd_x = vmovltq_s8(x);
    const int16x8_t even_y = vmovlbq_s8(result), odd_y = vmovltq_s8(result);
    a = tfdgsu_add_lanes(vmovlbq_s16(even_x), vmovlbq_s16(even_y), add);
    b = tfdgsu_add_lanes(vmovlbq_s16(odd_x), vmovlbq_s16(odd_y), add);
    c = tfdgsu_add_lanes(vmovltq_s16(even_x), vmovltq_s16(even_y), add);
    d = tfdgsu_add_lanes(vmovltq_s16(odd_x), vmovltq_s16(odd_y), add);
    result = tfdgsu_narrow(a, b, c, d, add->zero_point, add->min, add->max);
  }
  if (n == kTfdgsuTile) {
    vstrbq_s8(y, result);
  } else {
    vstrbq_p_s8(y, result, first);
  }
}

#endif  // TFDGSU_KERNELS_MVE_REQUANTIZE_MVE_H_
