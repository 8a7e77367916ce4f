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
  if (!velocity && tile->n == kTfdgsuLanes) {
    float *w0 = w + tile->columns[0], *w1 = w + tile->columns[1], *w2 = w + tile->columns[2];
    float* w3 = w + tile->columns[3];
    for (int32_t left = n_taps, pitch = tile->dy_pitch; left > 0; --left, ++sums) {
      tfdgsu_sgd_step(w0, NULL, sums->lane[0], &own);
      tfdgsu_sgd_step(w1, NULL, sums->lane[1], &own);
      tfdgsu_sgd_step(w2, NULL, sums->lane[2], &own);
      tfdgsu_sgd_step(w3, NULL, sums->lane[3], &own);
      w0 += pitch, w1 += pitch, w2 += pitch, w3 += pitch;
    }
    return;
  }
  for (int32_t i = 0; i < tile->n; ++i) {
    float *w_at = w + tile->columns[i], *v_at = velocity ? velocity + i * multiplier : NULL;
    const float* sum = &sums->lane[i];
    for (int32_t left = n_taps; left > 0; --left, sum += kTfdgsuLanes, w_at += tile->dy_pitch) {
      tfdgsu_sgd_step(w_at, v_at, *sum, &own);
      if (v_at) v_at += v_row;
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
