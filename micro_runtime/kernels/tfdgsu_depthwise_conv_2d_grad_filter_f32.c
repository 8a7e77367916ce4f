// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A run of selected channels of one filter tap is summed in registers
// over the whole image, then applied.

#include <stddef.h>

#include "multiply_add.h"
#include "sgd.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

// Sums of tap (ky, kx): sums[i] += x[.., i] * dy[.., columns[i]].
static void sum_tap(float* sums, const float* x, const float* dy, const int32_t* columns,
                    const TfdgsuWindow* s, int32_t ky, int32_t kx, int32_t n) {
  const TfdgsuRange rows =
      tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top);
  const TfdgsuRange across =
      tfdgsu_outputs_of_tap(kx, s->in_w, s->out_w, s->stride_w, s->pad_left);
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = rows.begin; oy < rows.end; ++oy) {
      const int32_t y = oy * s->stride_h - s->pad_top + ky;
      for (int32_t ox = across.begin; ox < across.end; ++ox) {
        const int32_t x_at = ox * s->stride_w - s->pad_left + kx;
        const float* dy_at = dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c;
        const float* in_at = x + ((b * s->in_h + y) * s->in_w + x_at) * s->in_c;
        for (int32_t i = 0; i < n; ++i) {
          sums[i] = tfdgsu_multiply_add(in_at[i], dy_at[columns[i]], sums[i]);
        }
      }
    }
  }
}

void tfdgsu_depthwise_conv_2d_grad_filter_f32(float* w, float* velocity, const float* x,
                                              const float* dy, const int32_t* channels,
                                              int32_t multiplier, const TfdgsuSgd* sgd,
                                              const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t taps = s->filter_h * s->filter_w;
  for (int32_t j = 0; j < s->in_c; j += kTile) {
    const int32_t n = s->in_c - j < kTile ? s->in_c - j : kTile;
    for (int32_t q = 0; q < multiplier; ++q) {
      int32_t columns[kTile];
      for (int32_t i = 0; i < n; ++i) {
        columns[i] = (channels ? channels[j + i] : j + i) * multiplier + q;
      }
      for (int32_t tap = 0; tap < taps; ++tap) {
        float sums[kTile] = {0.0f};
        sum_tap(sums, x + j, dy, columns, s, tap / s->filter_w, tap % s->filter_w, n);
        float* v_row = velocity ? velocity + (tap * s->in_c + j) * multiplier + q : NULL;
        for (int32_t i = 0; i < n; ++i) {
          tfdgsu_sgd_step(w + tap * s->out_c + columns[i], v_row ? v_row + i * multiplier : NULL,
                          sums[i], sgd);
        }
      }
    }
  }
}
