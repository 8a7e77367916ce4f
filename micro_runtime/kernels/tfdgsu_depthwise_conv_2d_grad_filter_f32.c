// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A few selected channels at a time go through the whole image, then their taps are
// applied.

#include <stddef.h>

#include "depthwise_tile.h"
#include "sgd.h"
#include "tfdgsu/kernels.h"

// w and velocity (or NULL) begin at the first of the taps, velocity at the first of the tile's channels.
static void update_taps(float* w, float* velocity, const TfdgsuLanes* sums, const TfdgsuDepthwiseFilterTile* tile,
                        int32_t n_taps, int32_t multiplier, int32_t v_row, const TfdgsuSgd* sgd) {
  const TfdgsuSgd own = *sgd;
  for (int32_t i = 0; i < tile->n; ++i) {
    float *w_at = w + tile->columns[i], *v_at = velocity ? velocity + i * multiplier : NULL;
    const float* sum = &sums->lane[i];
    if (velocity) {
      for (int32_t left = n_taps; left > 0; --left, sum += kTfdgsuLanes, w_at += tile->dy_pitch, v_at += v_row) {
        tfdgsu_sgd_step(w_at, v_at, *sum, &own);
      }
    } else {
      for (int32_t left = n_taps; left > 0; --left, sum += kTfdgsuLanes, w_at += tile->dy_pitch) {
        tfdgsu_sgd_step(w_at, NULL, *sum, &own);
      }
    }
  }
}

void tfdgsu_depthwise_conv_2d_grad_filter_f32(float* w, float* velocity, const float* x,
                                              const float* dy, const int32_t* channels,
                                              int32_t multiplier, const TfdgsuSgd* sgd,
                                              const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t v_row = s->in_c * multiplier;
  TfdgsuLanes sums[kTfdgsuMaxTaps];
  TfdgsuTaps taps = tfdgsu_taps_at(0, 0, s);
  for (; taps.rows > 0; taps = tfdgsu_next_taps(&taps, s)) {
    const int32_t first = taps.ky * s->filter_w + taps.kx;
    for (int32_t j = 0; j < s->in_c; j += kTfdgsuLanes) {
      const int32_t n = s->in_c - j < kTfdgsuLanes ? s->in_c - j : kTfdgsuLanes;
      for (int32_t q = 0; q < multiplier; ++q) {
        TfdgsuDepthwiseFilterTile tile = {x + j, dy, s->in_c, s->out_c, 0, 0, {0}, n};
        for (int32_t i = 0; i < n; ++i) tile.columns[i] = (channels ? channels[j + i] : j + i) * multiplier + q;
        tfdgsu_depthwise_filter_tile_f32(sums, &tile, &taps, s);
        update_taps(w + first * s->out_c, velocity ? velocity + first * v_row + j * multiplier + q : NULL, sums, &tile,
                    taps.rows * taps.columns, multiplier, v_row, sgd);
      }
    }
  }
}
