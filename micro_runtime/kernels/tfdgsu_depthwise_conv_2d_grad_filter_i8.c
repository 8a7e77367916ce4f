// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels_int8.h. A few selected channels at a time go through the whole image, then their taps are
// applied.

#include <stddef.h>

#include "depthwise_tile.h"
#include "integer_update.h"
#include "tfdgsu/kernels.h"

void tfdgsu_depthwise_conv_2d_grad_filter_i8(int8_t* w, int8_t* remainder, float* velocity,
                                             const float* scales, const int8_t* x,
                                             const TfdgsuQuantization* x_real, const float* dy,
                                             const int32_t* channels, int32_t multiplier,
                                             const TfdgsuIntegerSgd* update,
                                             const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  TfdgsuDepthwiseFilterI8 to = {w, remainder, NULL, s->in_c * multiplier, multiplier, scales, 0, x_real->scale,
                                tfdgsu_update_key(update, 0), update};
  TfdgsuTaps taps = tfdgsu_taps_at(0, 0, s);
  for (; taps.rows > 0; taps = tfdgsu_next_taps(&taps, s)) {
    for (int32_t j = 0; j < s->in_c; j += kTfdgsuLanes) {
      const int32_t n = s->in_c - j < kTfdgsuLanes ? s->in_c - j : kTfdgsuLanes;
      for (int32_t q = 0; q < multiplier; ++q) {
        TfdgsuDepthwiseFilterTile tile = {x + j, dy, s->in_c, s->out_c, 1, x_real->zero_point, {0}, n};
        for (int32_t i = 0; i < n; ++i) tile.columns[i] = (channels ? channels[j + i] : j + i) * multiplier + q;
        if (velocity) to.velocity = velocity + j * multiplier + q;
        tfdgsu_update_depthwise_tile_i8(&to, &tile, &taps, s);
      }
    }
  }
}
