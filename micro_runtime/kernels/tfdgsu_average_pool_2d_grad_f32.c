// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <stddef.h>
#include <string.h>

#include "min_max.h"
#include "tfdgsu/kernels.h"

// Spreads dy of the window that starts at (y, x) evenly over its part inside the image.
static void spread_window(float* dx_image, const float* dy, const TfdgsuWindow* s, int32_t y,
                          int32_t x) {
  const int32_t y_begin = tfdgsu_max(0, y), y_end = tfdgsu_min(s->in_h, y + s->filter_h);
  const int32_t x_begin = tfdgsu_max(0, x), x_end = tfdgsu_min(s->in_w, x + s->filter_w);
  const float share = 1.0f / (float)((y_end - y_begin) * (x_end - x_begin));
  for (int32_t row = y_begin; row < y_end; ++row) {
    for (int32_t column = x_begin; column < x_end; ++column) {
      float* dx_at = dx_image + (row * s->in_w + column) * s->in_c;
      for (int32_t c = 0; c < s->in_c; ++c) dx_at[c] += share * dy[c];
    }
  }
}

void tfdgsu_average_pool_2d_grad_f32(float* dx, const float* dy, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t image = s->in_h * s->in_w * s->in_c;
  memset(dx, 0, (size_t)(s->batches * image) * sizeof(float));
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = 0; oy < s->out_h; ++oy) {
      for (int32_t ox = 0; ox < s->out_w; ++ox) {
        spread_window(dx + b * image, dy + ((b * s->out_h + oy) * s->out_w + ox) * s->in_c, s,
                      oy * s->stride_h - s->pad_top, ox * s->stride_w - s->pad_left);
      }
    }
  }
}
