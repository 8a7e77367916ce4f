// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A tile of 4 output by 8 selected input channels of one filter tap is
// summed in registers over the whole image, then applied: no gradient array.

#include <stddef.h>

#include "integer_update.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kOutTile = 4, kInTile = 8 };

static inline void add_outer_product(float sums[kOutTile][kInTile], const float* dy,
                                     const int8_t* x, int32_t zero_point, int32_t n_out,
                                     int32_t n_in) {
  float real[kInTile];
  for (int32_t j = 0; j < n_in; ++j) real[j] = (float)(x[j] - zero_point);
  for (int32_t o = 0; o < n_out; ++o) {
    for (int32_t j = 0; j < n_in; ++j) sums[o][j] += dy[o] * real[j];
  }
}

// Sums of tap (ky, kx) over all output positions, for output channels from `dy` on and selected
// channels from `x` on.
static void sum_tap(float sums[kOutTile][kInTile], const int8_t* x, int32_t zero_point,
                    const float* dy, const TfdgsuWindow* s, int32_t ky, int32_t kx, int32_t n_out,
                    int32_t n_in) {
  const TfdgsuRange rows =
      tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top);
  const TfdgsuRange columns =
      tfdgsu_outputs_of_tap(kx, s->in_w, s->out_w, s->stride_w, s->pad_left);
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = rows.begin; oy < rows.end; ++oy) {
      const int32_t y = oy * s->stride_h - s->pad_top + ky;
      for (int32_t ox = columns.begin; ox < columns.end; ++ox) {
        const int32_t x_at = ox * s->stride_w - s->pad_left + kx;
        const float* dy_at = dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c;
        const int8_t* in_at = x + ((b * s->in_h + y) * s->in_w + x_at) * s->in_c;
        if (n_out == kOutTile && n_in == kInTile) {
          add_outer_product(sums, dy_at, in_at, zero_point, kOutTile, kInTile);
        } else {
          add_outer_product(sums, dy_at, in_at, zero_point, n_out, n_in);
        }
      }
    }
  }
}

typedef struct {
  int8_t *w, *remainder;
  float* velocity;
  const float* scales;
  const int32_t* channels;
  int32_t n_channels;
  uint32_t key;
  const TfdgsuIntegerSgd* update;
} Weights;

// Steps the weights of one tap for output channels [o, o + n_out), selected channels [j, j + n_in).
static void apply_tile(const Weights* to, float sums[kOutTile][kInTile], float x_scale,
                       const TfdgsuWindow* s, int32_t tap, int32_t o, int32_t j, int32_t n_out,
                       int32_t n_in) {
  const int32_t taps = s->filter_h * s->filter_w;
  for (int32_t i = 0; i < n_out; ++i) {
    const int32_t row = (o + i) * taps + tap;
    float* v_row = to->velocity ? to->velocity + row * s->in_c : NULL;
    for (int32_t q = 0; q < n_in; ++q) {
      const int32_t channel = to->channels ? to->channels[j + q] : j + q;
      tfdgsu_int8_step(to->w, to->remainder, row * to->n_channels + channel,
                       v_row ? v_row + j + q : NULL, x_scale * sums[i][q], to->scales[o + i],
                       to->key, to->update);
    }
  }
}

void tfdgsu_conv_2d_grad_filter_i8(int8_t* w, int8_t* remainder, float* velocity,
                                   const float* scales, const int8_t* x,
                                   const TfdgsuQuantization* x_real, const float* dy,
                                   const int32_t* channels, int32_t n_channels,
                                   const TfdgsuIntegerSgd* update, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const Weights to = {w,          remainder,  velocity, scales, channels,
                      n_channels, tfdgsu_update_key(update, 0), update};
  for (int32_t o = 0; o < s->out_c; o += kOutTile) {
    const int32_t n_out = s->out_c - o < kOutTile ? s->out_c - o : kOutTile;
    for (int32_t tap = 0; tap < s->filter_h * s->filter_w; ++tap) {
      for (int32_t j = 0; j < s->in_c; j += kInTile) {
        const int32_t n_in = s->in_c - j < kInTile ? s->in_c - j : kInTile;
        float sums[kOutTile][kInTile] = {{0.0f}};
        sum_tap(sums, x + j, x_real->zero_point, dy + o, s, tap / s->filter_w, tap % s->filter_w,
                n_out, n_in);
        apply_tile(&to, sums, x_real->scale, s, tap, o, j, n_out, n_in);
      }
    }
  }
}
