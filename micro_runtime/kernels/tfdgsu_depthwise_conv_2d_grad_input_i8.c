// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Gathers: per image position the taps that read it.

#include "epilogue.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

static inline void add_products(float* sums, const float* dy, const int8_t* w, const float* scales,
                                int32_t n) {
  for (int32_t i = 0; i < n; ++i) sums[i] += (dy[i] * scales[i]) * (float)w[i];
}

// sums[i] += sum over q < m of (dy[i*m+q] * scales[i*m+q]) * w[i*m+q].
static void add_tap(float* sums, const float* dy, const int8_t* w, const float* scales,
                    int32_t multiplier, int32_t n) {
  if (multiplier == 1) {
    if (n == kTile) {
      add_products(sums, dy, w, scales, kTile);
    } else {
      add_products(sums, dy, w, scales, n);
    }
    return;
  }
  for (int32_t i = 0; i < n; ++i) {
    for (int32_t q = 0; q < multiplier; ++q) {
      const int32_t at = i * multiplier + q;
      sums[i] += (dy[at] * scales[at]) * (float)w[at];
    }
  }
}

static void sum_position(float* sums, const float* dy, const int8_t* w, const float* scales,
                         const TfdgsuWindow* s, int32_t b, int32_t y, int32_t x, int32_t c,
                         int32_t n) {
  const int32_t multiplier = s->out_c / s->in_c, first = c * multiplier;
  for (int32_t i = 0; i < kTile; ++i) sums[i] = 0.0f;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t oy = tfdgsu_output_of_tap(y, ky, s->stride_h, s->pad_top, s->out_h);
    if (oy < 0) continue;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ox = tfdgsu_output_of_tap(x, kx, s->stride_w, s->pad_left, s->out_w);
      if (ox < 0) continue;
      add_tap(sums, dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c + first,
              w + (ky * s->filter_w + kx) * s->out_c + first, scales + first, multiplier, n);
    }
  }
}

void tfdgsu_depthwise_conv_2d_grad_input_i8(float* dx, const float* dy, const int8_t* w,
                                            const float* scales, const TfdgsuEpilogue* epilogue,
                                            const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  float sums[kTile];
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t y = 0; y < s->in_h; ++y) {
      for (int32_t x = 0; x < s->in_w; ++x) {
        const int32_t start = ((b * s->in_h + y) * s->in_w + x) * s->in_c;
        for (int32_t c = 0; c < s->in_c; c += kTile) {
          const int32_t n = s->in_c - c < kTile ? s->in_c - c : kTile;
          sum_position(sums, dy, w, scales, s, b, y, x, c, n);
          tfdgsu_store_sums(dx, sums, start + c, n, epilogue);
        }
      }
    }
  }
}
