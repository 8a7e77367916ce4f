// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "min_max.h"
#include "tfdgsu/kernels.h"

// First maximum of channel c in the window that starts at (y, x) of image b. A tap index is at
// most 255.
static uint8_t argmax_of_window(const float* x, const TfdgsuWindow* s, int32_t b, int32_t y,
                                int32_t x_at, int32_t c) {
  const int32_t ky_begin = tfdgsu_max(0, -y), ky_end = tfdgsu_min(s->filter_h, s->in_h - y);
  const int32_t kx_begin = tfdgsu_max(0, -x_at), kx_end = tfdgsu_min(s->filter_w, s->in_w - x_at);
  int32_t best = ky_begin * s->filter_w + kx_begin;
  float maximum = x[((b * s->in_h + y + ky_begin) * s->in_w + x_at + kx_begin) * s->in_c + c];
  for (int32_t ky = ky_begin; ky < ky_end; ++ky) {
    for (int32_t kx = kx_begin; kx < kx_end; ++kx) {
      const float value = x[((b * s->in_h + y + ky) * s->in_w + x_at + kx) * s->in_c + c];
      if (value > maximum) {
        maximum = value;
        best = ky * s->filter_w + kx;
      }
    }
  }
  return (uint8_t)best;
}

void tfdgsu_max_pool_2d_argmax_f32(uint8_t* argmax, const float* x, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = 0; oy < s->out_h; ++oy) {
      for (int32_t ox = 0; ox < s->out_w; ++ox) {
        const int32_t y = oy * s->stride_h - s->pad_top;
        const int32_t x_at = ox * s->stride_w - s->pad_left;
        for (int32_t c = 0; c < s->in_c; ++c) *argmax++ = argmax_of_window(x, s, b, y, x_at, c);
      }
    }
  }
}
