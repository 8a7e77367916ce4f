// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Per image position a run of channels is summed in registers, so
// dx is written once. Of a pointwise convolution 6 positions by 4 channels are summed together.

#include "epilogue.h"
#include "multiply_add.h"
#include "register_tile.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

// sums[i] += sum over o of dy[o] * w[o*w_stride + i].
static void add_tap(float* sums, const float* dy, const float* w, int32_t w_stride, int32_t out_c,
                    int32_t n) {
  const int32_t whole = n & -kTfdgsuSide;
  for (int32_t i = 0; i < whole; i += kTfdgsuSide) tfdgsu_add_rows_1x4(sums + i, dy, w + i, w_stride, out_c);
  for (int32_t o = 0; o < out_c && whole < n; ++o) {
    for (int32_t i = whole; i < n; ++i) sums[i] = tfdgsu_multiply_add(dy[o], w[o * w_stride + i], sums[i]);
  }
}

// Sums over all taps for channels [c, c + n) of image position (b, y, x).
static void sum_position(float* sums, const float* dy, const float* w, const TfdgsuWindow* s,
                         int32_t b, int32_t y, int32_t x, int32_t c, int32_t n) {
  const int32_t w_stride = s->filter_h * s->filter_w * s->in_c;
  for (int32_t i = 0; i < kTile; ++i) sums[i] = 0.0f;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t oy = tfdgsu_output_of_tap(y, ky, s->stride_h, s->pad_top, s->out_h);
    if (oy < 0) continue;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ox = tfdgsu_output_of_tap(x, kx, s->stride_w, s->pad_left, s->out_w);
      if (ox < 0) continue;
      add_tap(sums, dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c,
              w + (ky * s->filter_w + kx) * s->in_c + c, w_stride, s->out_c, n);
    }
  }
}

static void sum_windows(float* dx, const float* dy, const float* w,
                        const TfdgsuEpilogue* epilogue, const TfdgsuWindow* s) {
  float sums[kTile];
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t y = 0; y < s->in_h; ++y) {
      for (int32_t x = 0; x < s->in_w; ++x) {
        const int32_t start = ((b * s->in_h + y) * s->in_w + x) * s->in_c;
        for (int32_t c = 0; c < s->in_c; c += kTile) {
          const int32_t n = s->in_c - c < kTile ? s->in_c - c : kTile;
          sum_position(sums, dy, w, s, b, y, x, c, n);
          tfdgsu_store_sums(dx, sums, start + c, n, epilogue);
        }
      }
    }
  }
}

static void sum_pointwise(float* dx, const float* dy, const float* w,
                          const TfdgsuEpilogue* epilogue, const TfdgsuWindow* s) {
  const int32_t rows = s->batches * s->in_h * s->in_w;
  const int32_t long_rows = tfdgsu_rows_of_long_tiles(rows);
  for (int32_t r = 0, n_points; r < rows; r += n_points) {
    n_points = r < long_rows ? kTfdgsuLongSide : rows - r < kTfdgsuSide ? rows - r : kTfdgsuSide;
    const float* dy_at = dy + r * s->out_c;
    for (int32_t c = 0; c < s->in_c; c += kTfdgsuSide) {
      const int32_t n = s->in_c - c < kTfdgsuSide ? s->in_c - c : kTfdgsuSide;
      float sums[kTfdgsuLongSide][kTfdgsuSide] = {{0.0f}};
      if (n == kTfdgsuSide) {
        tfdgsu_add_rows(sums[0], kTfdgsuSide, dy_at, s->out_c, w + c, s->in_c, s->out_c,
                        n_points - n_points % kTfdgsuLongSide, n_points);
      } else {
        for (int32_t p = 0; p < n_points; ++p) {
          add_tap(sums[p], dy_at + p * s->out_c, w + c, s->in_c, s->out_c, n);
        }
      }
      for (int32_t p = 0; p < n_points; ++p) {
        tfdgsu_store_sums(dx, sums[p], (r + p) * s->in_c + c, n, epilogue);
      }
    }
  }
}

void tfdgsu_conv_2d_grad_input_f32(float* dx, const float* dy, const float* w,
                                   const TfdgsuEpilogue* epilogue, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  if (tfdgsu_is_pointwise(s)) {
    sum_pointwise(dx, dy, w, epilogue, s);
  } else {
    sum_windows(dx, dy, w, epilogue, s);
  }
}
