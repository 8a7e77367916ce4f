// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels_int8.h. Without velocity four channels are stepped together, tap by tap.

#include <stddef.h>

#include "integer_update.h"
#include "tfdgsu/kernels.h"

// Puts the units of steps in place of the sums.
static void make_units(TfdgsuLanes* sums, const TfdgsuDepthwiseFilterI8* to, const int32_t* columns, int32_t n_taps) {
  const float x_scale = to->x_scale, rate = -to->update->sgd.learning_rate;
  const float* scales = to->scales + to->first;
  const float f0 = rate / scales[columns[0]], f1 = rate / scales[columns[1]];
  const float f2 = rate / scales[columns[2]], f3 = rate / scales[columns[3]];
  for (; n_taps > 0; --n_taps, ++sums) {
    sums->lane[0] = x_scale * sums->lane[0] * f0;
    sums->lane[1] = x_scale * sums->lane[1] * f1;
    sums->lane[2] = x_scale * sums->lane[2] * f2;
    sums->lane[3] = x_scale * sums->lane[3] * f3;
  }
}

void tfdgsu_update_depthwise_tile_i8(const TfdgsuDepthwiseFilterI8* to, const TfdgsuDepthwiseFilterTile* tile,
                                     const TfdgsuTaps* taps, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t *c = tile->columns, step = s->out_c;
  const int32_t first_tap = taps->ky * s->filter_w + taps->kx, n_taps = taps->rows * taps->columns;
  const int32_t first = first_tap * step + to->first;
  TfdgsuLanes sums[kTfdgsuMaxTaps];
  tfdgsu_depthwise_filter_tile_f32(sums, tile, taps, s);
  if (!to->velocity && tile->n == kTfdgsuLanes) {
    const TfdgsuRowsOfWeights rows = {to->w, to->remainder, NULL, NULL, first, step, 0, {c[0], c[1], c[2], c[3]},
                                      to->key, to->update};
    make_units(sums, to, c, n_taps);
    tfdgsu_step_rows_i8(&rows, sums->lane, n_taps);
    return;
  }
  for (int32_t i = 0; i < tile->n; ++i) {
    const float scale = to->scales[to->first + c[i]];
    float* v = to->velocity ? to->velocity + first_tap * to->v_row + i * to->v_step : NULL;
    for (int32_t tap = 0; tap < n_taps; ++tap) {
      tfdgsu_int8_step(to->w, to->remainder, first + tap * step + c[i], v, to->x_scale * sums[tap].lane[i], scale,
                       to->key, to->update);
      if (v) v += to->v_row;
    }
  }
}
