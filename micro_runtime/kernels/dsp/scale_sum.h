// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// From 32-bit sums to int8 results, bit for bit as requantize.h, in few instructions.

#ifndef TFDGSU_KERNELS_DSP_SCALE_SUM_H_
#define TFDGSU_KERNELS_DSP_SCALE_SUM_H_

#include <arm_acle.h>

#include "../requantize.h"

// Twice what tfdgsu_scale_sum gives for shifts of right >= 2 to the right, moved, before the last bit goes; less_two =
// right - 2, move = 2 * zero point + 1.
// With P = sum * multiplier, H = floor((P + 2^30) / 2^31) and N = 1 if H is negative, the result's rounding is
// floor((H - N + 2^(right - 1)) / 2^right), and floor((H - N) / 2) = floor((P + 2^30 - N * 2^31) / 2^32) is the high
// word of a sum. N may be taken for the sign of `sum`, since results are 0 with both where they differ, at H = 0. The
// high word lies within 2^30, so that nothing leaves 32 bits.
static inline int32_t tfdgsu_twice_scaled(int32_t sum, int32_t multiplier, int32_t less_two, int32_t move) {
  const uint32_t sign = (uint32_t)(sum >> 31);
  uint32_t low;  // 2^30 ^ sign * 2^31; compilers take the sign out of the sum again
  __asm__("eor %0, %1, %2, lsl #31" : "=r"(low) : "r"((uint32_t)1 << 30), "r"(sign));
  const int64_t nudge = (int64_t)((uint64_t)sign << 32 | low);
  const int32_t high = (int32_t)(((int64_t)sum * multiplier + nudge) >> 32);
  return (high >> less_two) + move;
}

static inline int32_t tfdgsu_scale_and_move(int32_t sum, int32_t multiplier, int32_t less_two, int32_t move) {
  return tfdgsu_twice_scaled(sum, multiplier, less_two, move) >> 1;
}

// A half, cut to int8. The intrinsic takes no shift along.
static inline int8_t tfdgsu_saturate_half(int32_t twice) {
  int32_t half;
  __asm__("ssat %0, #8, %1, asr #1" : "=r"(half) : "r"(twice));
  return (int8_t)half;
}

// As tfdgsu_scale_sum for shifts to the right or none. Rounded up, H is below 2^31 and halves of it leave room for 1.
static inline int32_t tfdgsu_scale_residual(int32_t sum, int32_t multiplier, int32_t shift) {
  const int32_t high = (int32_t)(((int64_t)sum * multiplier + ((int64_t)1 << 30)) >> 31);
  return shift ? (((high + (high >> 31)) >> (-shift - 1)) + 1) >> 1 : high;
}

// As tfdgsu_add_i8.
static inline int8_t tfdgsu_add_residual(int32_t x, int32_t y, const TfdgsuAddI8* add) {
  enum { kUnit = 1 << 20 };
  const int32_t sum =
      tfdgsu_scale_residual((x - add->x_zero_point) * kUnit, add->x_multiplier, add->x_shift) +
      tfdgsu_scale_residual((y - add->y_zero_point) * kUnit, add->y_multiplier, add->y_shift);
  const int32_t scaled = tfdgsu_scale_residual(sum, add->multiplier, add->shift);
  return (int8_t)tfdgsu_clamp(__qadd(scaled, add->zero_point), add->min, add->max);
}

// n sums of channel c; results are y_step apart.
static inline void tfdgsu_finish_channel(int8_t* y, int32_t y_step, const int32_t* sums, int32_t n,
                                         const TfdgsuStageI8* stage, int32_t c) {
  const int32_t multiplier = stage->multiplier[c], shift = stage->shift[c];
  const int32_t min = stage->min, max = stage->max, move = 2 * stage->zero_point + 1;
  const int32_t* const end = sums + n;
  if (shift > -2) {
    for (; sums != end; ++sums, y += y_step) {
      const int32_t scaled = tfdgsu_scale_sum(*sums, multiplier, shift);
      *y = (int8_t)tfdgsu_clamp(__qadd(scaled, stage->zero_point), min, max);
    }
  } else if (min > INT8_MIN || max < INT8_MAX) {
    for (; sums != end; ++sums, y += y_step) {
      *y = (int8_t)tfdgsu_clamp(tfdgsu_scale_and_move(*sums, multiplier, -shift - 2, move), min, max);
    }
  } else {
    for (; sums != end; ++sums, y += y_step) {
      *y = tfdgsu_saturate_half(tfdgsu_twice_scaled(*sums, multiplier, -shift - 2, move));
    }
  }
}

// One channel of at most 8 pixels.
static inline void tfdgsu_finish(int8_t* y, const int32_t* sums, int32_t pixels, const TfdgsuStageI8* stage, int32_t c,
                                 const int8_t* addend, const TfdgsuAddI8* add) {
  const int32_t out_c = stage->window.out_c;
  if (!add) {
    tfdgsu_finish_channel(y, out_c, sums, pixels, stage, c);
    return;
  }
  int8_t results[8];
  tfdgsu_finish_channel(results, 1, sums, pixels, stage, c);
  for (int32_t p = 0; p < pixels; ++p) {
    y[p * out_c] = tfdgsu_add_residual(addend[p * out_c], results[p], add);
  }
}

#endif  // TFDGSU_KERNELS_DSP_SCALE_SUM_H_
