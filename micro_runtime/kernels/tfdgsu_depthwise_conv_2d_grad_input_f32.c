// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Gathers: per image position the taps that read it. With multiplier 1, 4 positions by
// 4 channels are summed together.

#include "depthwise_tile.h"
#include "epilogue.h"
#include "multiply_add.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

// sums[i] += sum over q < m of dy[i*m+q] * w[i*m+q].
static void add_tap(float* sums, const float* dy, const float* w, int32_t multiplier, int32_t n) {
  if (multiplier == 1) {
    for (int32_t i = 0; i < n; ++i) sums[i] = tfdgsu_multiply_add(dy[i], w[i], sums[i]);
    return;
  }
  for (int32_t i = 0; i < n; ++i) {
    for (int32_t q = 0; q < multiplier; ++q) {
      sums[i] = tfdgsu_multiply_add(dy[i * multiplier + q], w[i * multiplier + q], sums[i]);
    }
  }
}

static void sum_position(float* sums, const float* dy, const float* w, const TfdgsuWindow* s,
                         int32_t b, int32_t y, int32_t x, int32_t c, int32_t n) {
  const int32_t multiplier = s->out_c / s->in_c;
  for (int32_t i = 0; i < kTile; ++i) sums[i] = 0.0f;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t oy = tfdgsu_output_of_tap(y, ky, s->stride_h, s->pad_top, s->out_h);
    if (oy < 0) continue;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ox = tfdgsu_output_of_tap(x, kx, s->stride_w, s->pad_left, s->out_w);
      if (ox < 0) continue;
      add_tap(sums, dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c + c * multiplier,
              w + (ky * s->filter_w + kx) * s->out_c + c * multiplier, multiplier, n);
    }
  }
}

// Channels [c, c + 4) of row (b, y), of multiplier 1.
static void sum_row(float* dx, const float* dy, const float* w, const TfdgsuEpilogue* epilogue,
                    const TfdgsuWindow* s, int32_t b, int32_t y, int32_t c) {
  const float* image = dy + b * s->out_h * s->out_w * s->out_c + c;
  const int32_t row = (b * s->in_h + y) * s->in_w, reach = 3 * s->stride_w;
  for (int32_t phase = 0; phase < s->stride_w && phase < s->in_w; ++phase) {
    float sums[kTile];
    int32_t x = phase;
    for (; x + reach < s->in_w; x += kTfdgsuSide * s->stride_w) {
      tfdgsu_sum_depthwise(sums, image, w + c, s->out_c, s, y, x);
      for (int32_t i = 0; i < kTfdgsuSide; ++i) {
        const int32_t start = (row + x + i * s->stride_w) * s->in_c + c;
        tfdgsu_store_sums(dx, sums + kTfdgsuSide * i, start, kTfdgsuSide, epilogue);
      }
    }
    for (; x < s->in_w; x += s->stride_w) {
      sum_position(sums, dy, w, s, b, y, x, c, kTfdgsuSide);
      tfdgsu_store_sums(dx, sums, (row + x) * s->in_c + c, kTfdgsuSide, epilogue);
    }
  }
}

void tfdgsu_depthwise_conv_2d_grad_input_f32(float* dx, const float* dy, const float* w,
                                             const TfdgsuEpilogue* epilogue,
                                             const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  float sums[kTile];
  const int32_t whole = s->out_c == s->in_c ? s->in_c & -kTfdgsuSide : 0;
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t y = 0; y < s->in_h; ++y) {
      for (int32_t c = 0; c < whole; c += kTfdgsuSide) sum_row(dx, dy, w, epilogue, s, b, y, c);
      for (int32_t x = 0; x < s->in_w; ++x) {
        const int32_t start = ((b * s->in_h + y) * s->in_w + x) * s->in_c;
        for (int32_t c = whole; c < s->in_c; c += kTile) {
          const int32_t n = s->in_c - c < kTile ? s->in_c - c : kTile;
          sum_position(sums, dy, w, s, b, y, x, c, n);
          tfdgsu_store_sums(dx, sums, start + c, n, epilogue);
        }
      }
    }
  }
}
