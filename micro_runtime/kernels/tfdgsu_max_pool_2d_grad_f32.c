// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <stddef.h>
#include <string.h>

#include "tfdgsu/kernels.h"

// Adds dy of one window to the elements that were its maxima.
static void scatter_window(float* dx_image, const float* dy, const uint8_t* argmax,
                           const TfdgsuWindow* s, int32_t y, int32_t x) {
  for (int32_t c = 0; c < s->in_c; ++c) {
    const int32_t row = y + argmax[c] / s->filter_w;
    const int32_t column = x + argmax[c] % s->filter_w;
    if (row < 0 || row >= s->in_h || column < 0 || column >= s->in_w) continue;
    dx_image[(row * s->in_w + column) * s->in_c + c] += dy[c];
  }
}

void tfdgsu_max_pool_2d_grad_f32(float* dx, const float* dy, const uint8_t* argmax,
                                 const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t image = s->in_h * s->in_w * s->in_c;
  memset(dx, 0, (size_t)(s->batches * image) * sizeof(float));
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = 0; oy < s->out_h; ++oy) {
      for (int32_t ox = 0; ox < s->out_w; ++ox) {
        const int32_t at = ((b * s->out_h + oy) * s->out_w + ox) * s->in_c;
        scatter_window(dx + b * image, dy + at, argmax + at, s, oy * s->stride_h - s->pad_top,
                       ox * s->stride_w - s->pad_left);
      }
    }
  }
}
