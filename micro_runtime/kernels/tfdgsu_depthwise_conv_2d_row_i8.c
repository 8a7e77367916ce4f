// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "requantize.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

// sums[i] += (x[i] - zero_point) * w[i]. At most 2^16 products of 9 and 8 bits: below 2^31.
static inline void add_tap(int32_t* sums, const int8_t* x, int32_t zero_point, const int8_t* w,
                           int32_t n) {
  for (int32_t i = 0; i < n; ++i) sums[i] += (x[i] - zero_point) * w[i];
}

static void sum_pixel(int32_t* sums, const TfdgsuRowsI8* x, int32_t oy, int32_t ox, int32_t c,
                      int32_t n, const TfdgsuStageI8* stage) {
  const TfdgsuWindow* s = &stage->window;
  for (int32_t i = 0; i < n; ++i) sums[i] = 0;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t iy = oy * s->stride_h - s->pad_top + ky;
    if (iy < 0 || iy >= s->in_h) continue;
    const int8_t* row = x->data + (iy % x->n_rows) * s->in_w * s->in_c;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ix = ox * s->stride_w - s->pad_left + kx;
      if (ix < 0 || ix >= s->in_w) continue;
      add_tap(sums, row + ix * s->in_c + c, stage->x_zero_point,
              stage->w + (ky * s->filter_w + kx) * s->in_c + c, n);
    }
  }
}

void tfdgsu_depthwise_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy,
                                     const TfdgsuStageI8* stage, const int8_t* addend,
                                     const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  int32_t sums[kTile];
  for (int32_t ox = 0; ox < s->out_w; ++ox) {
    for (int32_t c = 0; c < s->in_c; c += kTile) {
      const int32_t n = s->in_c - c < kTile ? s->in_c - c : kTile;
      const int32_t at = ox * s->in_c + c;
      sum_pixel(sums, x, oy, ox, c, n, stage);
      tfdgsu_requantize(y + at, sums, c, n, stage, add ? addend + at : addend, add);
    }
  }
}
