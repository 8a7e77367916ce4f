// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A run of channels is summed in registers, so that dx is written once. Of
// a pointwise convolution several image positions are summed together: they share the conversion of w.

#include <stddef.h>
#include <string.h>

#include "epilogue.h"
#include "multiply_add.h"
#include "overlay_run.h"
#include "register_tile.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

// 4 sums in registers.
TFDGSU_TILE void add_converted_4(float* sums, const float* dy, const int8_t* w, const float* scales,
                                 int32_t w_stride, int32_t out_c) {
  TFDGSU_LOAD_SUMS(sums, 0);
  for (int32_t o = 0; o < out_c; ++o, w += w_stride) {
    const float b0 = scales[o] * (float)w[0], b1 = scales[o] * (float)w[1];
    const float b2 = scales[o] * (float)w[2], b3 = scales[o] * (float)w[3];
    TFDGSU_ADD_ROW(dy[o], 0);
  }
  TFDGSU_STORE_SUMS(sums, 0);
}

// sums[i] += sum over o of dy[o] * (scales[o] * w[o*w_stride + i]).
static void add_tap(float* sums, const float* dy, const int8_t* w, const float* scales,
                    int32_t w_stride, int32_t out_c, int32_t n) {
  const int32_t whole = n & -kTfdgsuSide;
  for (int32_t i = 0; i < whole; i += kTfdgsuSide) add_converted_4(sums + i, dy, w + i, scales, w_stride, out_c);
  for (int32_t o = 0; o < out_c && whole < n; ++o) {
    for (int32_t i = whole; i < n; ++i) {
      sums[i] = tfdgsu_multiply_add(dy[o], scales[o] * (float)w[o * w_stride + i], sums[i]);
    }
  }
}

// Sums over all taps for channels [c, c + n) of a filter with w_c channels, at image position (b, y, x).
static void sum_position(float* sums, const float* dy, const int8_t* w, const float* scales,
                         const TfdgsuWindow* s, int32_t b, int32_t y, int32_t x, int32_t w_c,
                         int32_t c, int32_t n) {
  const int32_t w_stride = s->filter_h * s->filter_w * w_c;
  for (int32_t i = 0; i < kTile; ++i) sums[i] = 0.0f;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t oy = tfdgsu_output_of_tap(y, ky, s->stride_h, s->pad_top, s->out_h);
    if (oy < 0) continue;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ox = tfdgsu_output_of_tap(x, kx, s->stride_w, s->pad_left, s->out_w);
      if (ox < 0) continue;
      add_tap(sums, dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c,
              w + (ky * s->filter_w + kx) * w_c + c, scales, w_stride, s->out_c, n);
    }
  }
}

// Replaces the sums of those of channels [c, c + n) that the overlay has.
static void sum_overlay(float* sums, const float* dy, const TfdgsuOverlayI8* overlay,
                        const float* scales, const TfdgsuWindow* s, int32_t b, int32_t y, int32_t x,
                        int32_t c, int32_t n) {
  const TfdgsuRange run = tfdgsu_overlay_run(overlay, c, n);
  if (run.begin == run.end) return;
  float own[kTile];
  sum_position(own, dy, overlay->w, scales, s, b, y, x, overlay->n_channels, run.begin,
               run.end - run.begin);
  for (int32_t j = run.begin; j < run.end; ++j) sums[overlay->channels[j] - c] = own[j - run.begin];
}

static void sum_windows(float* dx, const float* dy, const int8_t* w, const float* scales,
                        const TfdgsuOverlayI8* overlay, const TfdgsuEpilogue* epilogue,
                        const TfdgsuWindow* s) {
  float sums[kTile];
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t y = 0; y < s->in_h; ++y) {
      for (int32_t x = 0; x < s->in_w; ++x) {
        const int32_t start = ((b * s->in_h + y) * s->in_w + x) * s->in_c;
        for (int32_t c = 0; c < s->in_c; c += kTile) {
          const int32_t n = s->in_c - c < kTile ? s->in_c - c : kTile;
          sum_position(sums, dy, w, scales, s, b, y, x, s->in_c, c, n);
          sum_overlay(sums, dy, overlay, scales, s, b, y, x, c, n);
          tfdgsu_store_sums(dx, sums, start + c, n, epilogue);
        }
      }
    }
  }
}

static void sum_pointwise(float* dx, const float* dy, const int8_t* w, const float* scales,
                          const TfdgsuOverlayI8* overlay, const TfdgsuEpilogue* epilogue,
                          const TfdgsuWindow* s) {
  const int32_t rows = s->batches * s->in_h * s->in_w;
  for (int32_t r = 0; r < rows; r += kTfdgsuPoints) {
    const int32_t n_points = rows - r < kTfdgsuPoints ? rows - r : kTfdgsuPoints;
    for (int32_t c = 0; c < s->in_c; c += kTfdgsuPointTile) {
      const int32_t n = s->in_c - c < kTfdgsuPointTile ? s->in_c - c : kTfdgsuPointTile;
      float sums[kTfdgsuPoints][kTfdgsuPointTile];
      memset(sums, 0, (size_t)n_points * sizeof(sums[0]));
      tfdgsu_add_points_i8(sums, dy + r * s->out_c, w + c, overlay, c, scales, s->out_c,
                                 s->in_c, n_points, n);
      for (int32_t p = 0; p < n_points; ++p) {
        tfdgsu_store_sums(dx, sums[p], (r + p) * s->in_c + c, n, epilogue);
      }
    }
  }
}

void tfdgsu_conv_2d_grad_input_i8(float* dx, const float* dy, const int8_t* w, const float* scales,
                                  const TfdgsuOverlayI8* overlay, const TfdgsuEpilogue* epilogue,
                                  const TfdgsuWindow* window) {
  static const TfdgsuOverlayI8 kNone = {NULL, NULL, 0};
  const TfdgsuOverlayI8* extra = overlay ? overlay : &kNone;
  const TfdgsuWindow* s = window;
  if (tfdgsu_is_pointwise(s)) {
    sum_pointwise(dx, dy, w, scales, extra, epilogue, s);
  } else {
    sum_windows(dx, dy, w, scales, extra, epilogue, s);
  }
}
