// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A tile of 4 output by 4 selected input channels of one filter tap is
// summed in registers over the whole image, then applied: no gradient array.

#include <stddef.h>

#include "multiply_add.h"
#include "register_tile.h"
#include "sgd.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kOutTile = 4, kInTile = 4 };

// Sums over a run of n output positions, whose inputs lie x_stride floats apart.
static void sum_run(float sums[kOutTile][kInTile], const float* x, int32_t x_stride, const float* dy,
                    int32_t out_c, int32_t n, int32_t n_out, int32_t n_in) {
  if (n_out == kOutTile && n_in == kInTile) {
    tfdgsu_add_columns_4x4(sums[0], kInTile, dy, out_c, x, x_stride, n);
    return;
  }
  for (int32_t k = 0; k < n; ++k) {
    for (int32_t o = 0; o < n_out; ++o) {
      for (int32_t j = 0; j < n_in; ++j) {
        sums[o][j] = tfdgsu_multiply_add(dy[k * out_c + o], x[k * x_stride + j], sums[o][j]);
      }
    }
  }
}

// Sums of tap (ky, kx) over all output positions, for output channels from `o` and selected
// channels from `j`.
static void sum_tap(float sums[kOutTile][kInTile], const float* x, const float* dy,
                    const TfdgsuWindow* s, int32_t ky, int32_t kx, int32_t n_out, int32_t n_in) {
  if (s->stride_h == 1 && s->stride_w == 1 && s->out_h == s->in_h && s->out_w == s->in_w &&
      ky == s->pad_top && kx == s->pad_left) {
    sum_run(sums, x, s->in_c, dy, s->out_c, s->batches * s->in_h * s->in_w, n_out, n_in);
    return;  // every position meets its own
  }
  const TfdgsuRange rows =
      tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top);
  const TfdgsuRange columns =
      tfdgsu_outputs_of_tap(kx, s->in_w, s->out_w, s->stride_w, s->pad_left);
  const int32_t width = columns.end - columns.begin;
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = rows.begin; oy < rows.end && width > 0; ++oy) {
      const int32_t y = oy * s->stride_h - s->pad_top + ky;
      const int32_t x_at = columns.begin * s->stride_w - s->pad_left + kx;
      sum_run(sums, x + ((b * s->in_h + y) * s->in_w + x_at) * s->in_c, s->stride_w * s->in_c,
              dy + ((b * s->out_h + oy) * s->out_w + columns.begin) * s->out_c, s->out_c, width,
              n_out, n_in);
    }
  }
}

// Steps a tile of full width, without velocity.
static void step_rows(float* w, int32_t w_stride, const int32_t* channels,
                      float sums[kOutTile][kInTile], float learning_rate, int32_t n_out) {
  const int32_t c0 = channels[0], c1 = channels[1], c2 = channels[2], c3 = channels[3];
  for (int32_t i = 0; i < n_out; ++i) {
    w[c0] -= learning_rate * sums[i][0];
    w[c1] -= learning_rate * sums[i][1];
    w[c2] -= learning_rate * sums[i][2];
    w[c3] -= learning_rate * sums[i][3];
    w += w_stride;
  }
}

// One tile of one tap: sum, then step.
static void update_tile(float* w, float* velocity, const float* x, const float* dy,
                        const int32_t* channels, int32_t n_channels, const TfdgsuSgd* sgd,
                        const TfdgsuWindow* s, int32_t tap, int32_t o, int32_t j) {
  const int32_t n_out = s->out_c - o < kOutTile ? s->out_c - o : kOutTile;
  const int32_t n_in = s->in_c - j < kInTile ? s->in_c - j : kInTile;
  const int32_t taps = s->filter_h * s->filter_w;
  float sums[kOutTile][kInTile] = {{0.0f}};
  sum_tap(sums, x + j, dy + o, s, tap / s->filter_w, tap % s->filter_w, n_out, n_in);
  if (!velocity && channels && n_in == kInTile) {
    step_rows(w + (o * taps + tap) * n_channels, taps * n_channels, channels + j, sums,
              sgd->learning_rate, n_out);
    return;
  }
  for (int32_t i = 0; i < n_out; ++i) {
    float* w_row = w + ((o + i) * taps + tap) * n_channels;
    float* v_row = velocity ? velocity + ((o + i) * taps + tap) * s->in_c : NULL;
    for (int32_t q = 0; q < n_in; ++q) {
      const int32_t channel = channels ? channels[j + q] : j + q;
      tfdgsu_sgd_step(w_row + channel, v_row ? v_row + j + q : NULL, sums[i][q], sgd);
    }
  }
}

void tfdgsu_conv_2d_grad_filter_f32(float* w, float* velocity, const float* x, const float* dy,
                                    const int32_t* channels, int32_t n_channels,
                                    const TfdgsuSgd* sgd, const TfdgsuWindow* window) {
  const int32_t taps = window->filter_h * window->filter_w;
  for (int32_t o = 0; o < window->out_c; o += kOutTile) {
    for (int32_t tap = 0; tap < taps; ++tap) {
      for (int32_t j = 0; j < window->in_c; j += kInTile) {
        update_tile(w, velocity, x, dy, channels, n_channels, sgd, window, tap, o, j);
      }
    }
  }
}
