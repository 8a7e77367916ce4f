// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Input gradients of depthwise convolutions with multiplier 1, for 4 channels at 4 image positions of a row that
// lie a stride apart: the same taps read them, at output positions that follow one another.

#ifndef TFDGSU_KERNELS_DEPTHWISE_TILE_H_
#define TFDGSU_KERNELS_DEPTHWISE_TILE_H_

#include <stdint.h>

#include "multiply_add.h"
#include "register_tile.h"
#include "tfdgsu/kernels.h"

#define TFDGSU_ADD(d, i)                                          \
  (s##i##0 = tfdgsu_multiply_add((d)[0], b0, s##i##0),            \
   s##i##1 = tfdgsu_multiply_add((d)[1], b1, s##i##1),            \
   s##i##2 = tfdgsu_multiply_add((d)[2], b2, s##i##2),            \
   s##i##3 = tfdgsu_multiply_add((d)[3], b3, s##i##3))

// All four positions, or those whose output is inside: no pointer leaves the array.
#define TFDGSU_ADD_INSIDE(row, at, ox, out_w, i) \
  do {                                                \
    if ((ox) >= 0 && (ox) < (out_w)) TFDGSU_ADD((row) + (at), i); \
  } while (0)
#define TFDGSU_ADD_TAP(row, at, c, ox, out_w)                         \
  do {                                                                     \
    if ((ox) >= 0 && (ox) + 3 < (out_w)) {                                 \
      TFDGSU_ADD((row) + (at), 0);                                                \
      TFDGSU_ADD((row) + ((at) + (c)), 1);                                        \
      TFDGSU_ADD((row) + ((at) + 2 * (c)), 2);                                    \
      TFDGSU_ADD((row) + ((at) + 3 * (c)), 3);                                    \
    } else {                                                               \
      TFDGSU_ADD_INSIDE(row, at, ox, out_w, 0);                       \
      TFDGSU_ADD_INSIDE(row, (at) + (c), (ox) + 1, out_w, 1);         \
      TFDGSU_ADD_INSIDE(row, (at) + 2 * (c), (ox) + 2, out_w, 2);     \
      TFDGSU_ADD_INSIDE(row, (at) + 3 * (c), (ox) + 3, out_w, 3);     \
    }                                                                      \
  } while (0)

// Walks through the taps of position (y, x): row by row, ascending, outputs descending.
// sums[i*4 + j] = sum over the taps of dy * w for position x + i*stride_w and channel j. dy [Ho,Wo,C], w of a
// tap w_stride floats behind the one before; both begin at the first channel.
TFDGSU_TILE void tfdgsu_sum_depthwise(float* sums, const float* dy, const float* w,
                                        int32_t w_stride, const TfdgsuWindow* s, int32_t y,
                                        int32_t x) {
  float s00 = 0.0f, s01 = 0.0f, s02 = 0.0f, s03 = 0.0f, s10 = 0.0f, s11 = 0.0f, s12 = 0.0f,
        s13 = 0.0f, s20 = 0.0f, s21 = 0.0f, s22 = 0.0f, s23 = 0.0f, s30 = 0.0f, s31 = 0.0f,
        s32 = 0.0f, s33 = 0.0f;
  const int32_t c = s->out_c, out_w = s->out_w, last_ox = (x + s->pad_left) / s->stride_w;
  const int32_t first_kx = (x + s->pad_left) % s->stride_w, skip = s->stride_w * w_stride;
  int32_t oy = (y + s->pad_top) / s->stride_h;
  for (int32_t ky = (y + s->pad_top) % s->stride_h; ky < s->filter_h; ky += s->stride_h, --oy) {
    if (oy < 0 || oy >= s->out_h) continue;
    const float* b = w + (ky * s->filter_w + first_kx) * w_stride;
    const float* row = dy + oy * out_w * c;
    int32_t at = last_ox * c, ox = last_ox;
    for (int32_t left = s->filter_w - first_kx; left > 0; left -= s->stride_w) {
      const float b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
      TFDGSU_ADD_TAP(row, at, c, ox, out_w);
      b += skip, at -= c, --ox;
    }
  }
  TFDGSU_STORE_SUMS(sums, 0);
  TFDGSU_STORE_SUMS(sums + kTfdgsuSide, 1);
  TFDGSU_STORE_SUMS(sums + 2 * kTfdgsuSide, 2);
  TFDGSU_STORE_SUMS(sums + 3 * kTfdgsuSide, 3);
}

#endif  // TFDGSU_KERNELS_DEPTHWISE_TILE_H_
