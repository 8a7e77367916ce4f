// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A tile of 6 output by 4 selected input channels of one filter tap is
// summed in registers over the whole image, then applied: no gradient array.

#include <stddef.h>

#include "filter_positions.h"
#include "multiply_add.h"
#include "position_tile.h"
#include "sgd.h"
#include "tfdgsu/kernels.h"

enum { kOutTile = 12 };

// One tap of some output channels, 4 or fewer selected input channels.
typedef struct {
  float *w, *velocity;  // of the tap
  int32_t w_stride, v_stride;  // from an output channel to the next
  const float *dy, *x;
  const int32_t* channels;  // NULL: 0, 1, 2, 3
  const TfdgsuSgd* sgd;
  TfdgsuPositions positions;
} Strip;

#define STEP(at, i, j) (at) = tfdgsu_multiply_add(factor, s##i##j, at)
#define STEP_ROW(w, i) \
  (STEP((w)[c0], i, 0), STEP((w)[c1], i, 1), STEP((w)[c2], i, 2), STEP((w)[c3], i, 3))
#define STEP_RUN(w, i) \
  (STEP((w)[0], i, 0), STEP((w)[1], i, 1), STEP((w)[2], i, 2), STEP((w)[3], i, 3))

// Sums and steps n output channels, a multiple of 6, from the registers: 4 selected channels without velocity,
// positions in one line.
TFDGSU_TILE void step_tiles(const Strip* strip, int32_t n) {
  const int32_t *c = strip->channels, stride = strip->w_stride;
  const int32_t c0 = c ? c[0] : 0, c1 = c ? c[1] : 1, c2 = c ? c[2] : 2, c3 = c ? c[3] : 3;
  const int is_run = c1 == c0 + 1 && c2 == c0 + 2 && c3 == c0 + 3;
  const float factor = -strip->sgd->learning_rate;
  const int32_t dy_step = strip->positions.dy_step, x_step = strip->positions.x_step;
  float* w = is_run ? strip->w + c0 : strip->w;
  for (int32_t o = 0; o < n; o += kTfdgsuLongSide) {
    TFDGSU_ZERO_SUMS(0);
    TFDGSU_ZERO_SUMS(1);
    TFDGSU_ZERO_SUMS(2);
    TFDGSU_ZERO_SUMS(3);
    TFDGSU_ZERO_SUMS(4);
    TFDGSU_ZERO_SUMS(5);
    const float *dy = strip->dy + o, *x = strip->x;
    TFDGSU_FOR_LINE(strip->positions.line, dy, dy_step, x, x_step, TFDGSU_ADD_ROW(dy[0], 0),
                    TFDGSU_ADD_ROW(dy[1], 1), TFDGSU_ADD_ROW(dy[2], 2), TFDGSU_ADD_ROW(dy[3], 3),
                    TFDGSU_ADD_ROW(dy[4], 4), TFDGSU_ADD_ROW(dy[5], 5));
    if (is_run) {  // as it is of all channels, and of a cycle through them
      STEP_RUN(w, 0), w += stride;
      STEP_RUN(w, 1), w += stride;
      STEP_RUN(w, 2), w += stride;
      STEP_RUN(w, 3), w += stride;
      STEP_RUN(w, 4), w += stride;
      STEP_RUN(w, 5), w += stride;
    } else {
      STEP_ROW(w, 0), w += stride;
      STEP_ROW(w, 1), w += stride;
      STEP_ROW(w, 2), w += stride;
      STEP_ROW(w, 3), w += stride;
      STEP_ROW(w, 4), w += stride;
      STEP_ROW(w, 5), w += stride;
    }
  }
}

// Sums of n output channels, fewer than 4 selected channels.
static void sum_edge(float (*sums)[kTfdgsuSide], const float* dy, const float* x, const TfdgsuPositions* at,
                     int32_t n, int32_t n_in) {
  for (int32_t line = 0; line < at->lines; ++line) {
    for (int32_t k = 0; k < at->line; ++k) {
      for (int32_t i = 0; i < n; ++i) {
        for (int32_t j = 0; j < n_in; ++j) sums[i][j] = tfdgsu_multiply_add(dy[i], x[j], sums[i][j]);
      }
      dy += at->dy_step, x += at->x_step;
    }
    dy += at->dy_line_gap, x += at->x_line_gap;
  }
}

// Output channels [o, o + n), n_in selected ones; at most kOutTile and 4.
static void step_tile(const Strip* strip, int32_t o, int32_t n, int32_t n_in) {
  const TfdgsuPositions* at = &strip->positions;
  const int32_t* channels = strip->channels;
  float sums[kOutTile][kTfdgsuSide] = {{0.0f}};
  const int32_t dy_size = at->lines * (at->line * at->dy_step + at->dy_line_gap) + at->dy_image_gap;
  const int32_t x_size = at->lines * (at->line * at->x_step + at->x_line_gap) + at->x_image_gap;
  for (int32_t image = 0; image < at->images; ++image) {
    const float *dy = strip->dy + image * dy_size + o, *x = strip->x + image * x_size;
    if (n_in == kTfdgsuSide) {
      tfdgsu_add_positions(sums[0], image == 0, dy, x, at, n);
    } else {
      sum_edge(sums, dy, x, at, n, n_in);
    }
  }
  for (int32_t i = 0; i < n; ++i) {
    float* w = strip->w + (o + i) * strip->w_stride;
    float* v = strip->velocity ? strip->velocity + (o + i) * strip->v_stride : NULL;
    for (int32_t j = 0; j < n_in; ++j) {
      tfdgsu_sgd_step(w + (channels ? channels[j] : j), v ? v + j : NULL, sums[i][j], strip->sgd);
    }
  }
}

void tfdgsu_conv_2d_grad_filter_f32(float* w, float* velocity, const float* x, const float* dy,
                                    const int32_t* channels, int32_t n_channels,
                                    const TfdgsuSgd* sgd, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t taps = s->filter_h * s->filter_w;
  Strip strip = {NULL, NULL, taps * n_channels, taps * s->in_c, NULL, NULL, NULL, sgd, {0}};
  for (int32_t tap = 0; tap < taps; ++tap) {
    const TfdgsuTap at = tfdgsu_tap(s, tap / s->filter_w, tap % s->filter_w);
    strip.positions = tfdgsu_positions_of_tap(s, &at);
    strip.dy = dy + at.first_dy;
    for (int32_t j = 0; j < s->in_c; j += kTfdgsuSide) {
      const int32_t n_in = s->in_c - j < kTfdgsuSide ? s->in_c - j : kTfdgsuSide;
      int32_t o = 0;
      strip.x = x + at.first_x + j;
      strip.w = w + tap * n_channels + (channels ? 0 : j);
      strip.velocity = velocity ? velocity + tap * s->in_c + j : NULL;
      strip.channels = channels ? channels + j : NULL;
      if (n_in == kTfdgsuSide && !velocity && strip.positions.lines * strip.positions.images == 1) {
        o = tfdgsu_rows_of_long_tiles(s->out_c);
        step_tiles(&strip, o);
      }
      for (; o < s->out_c; o += kOutTile) {
        step_tile(&strip, o, s->out_c - o < kOutTile ? s->out_c - o : kOutTile, n_in);
      }
    }
  }
}
