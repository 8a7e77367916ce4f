// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels_int8.h. Four taps of a channel go together: they have one scale.

#include <stddef.h>

#include "integer_update.h"
#include "tfdgsu/kernels.h"

void tfdgsu_update_depthwise_tile_i8(const TfdgsuDepthwiseFilterI8* to, const TfdgsuDepthwiseFilterTile* tile,
                                     const TfdgsuTaps* taps, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  TfdgsuLanes sums[kTfdgsuMaxTaps];
  float gradients[kTfdgsuMaxTaps];
  tfdgsu_depthwise_filter_tile_f32(sums, tile, taps, s);
  const int32_t first_tap = taps->ky * s->filter_w + taps->kx, n_taps = taps->rows * taps->columns, step = s->out_c;
  // Velocities of one channel don't follow one another.
  const int32_t n_rows = to->velocity ? 0 : n_taps / 4;
  TfdgsuRowsOfWeights rows = {to->w, to->remainder, NULL, NULL, 0, 0, 4 * step, 0, {0, step, 2 * step, 3 * step},
                              to->key, to->update};
  for (int32_t i = 0; i < tile->n; ++i) {
    const int32_t channel = to->first + tile->columns[i];
    const float x_scale = to->x_scale;
    rows.scales = to->scales + channel;
    rows.first = first_tap * step + channel;
    for (int32_t tap = 0; tap < n_taps; ++tap) gradients[tap] = x_scale * sums[tap].lane[i];
    tfdgsu_step_rows_i8(&rows, gradients, n_rows);
    for (int32_t tap = 4 * n_rows; tap < n_taps; ++tap) {
      float* v = to->velocity ? to->velocity + (first_tap + tap) * to->v_row + i * to->v_step : NULL;
      tfdgsu_int8_step(to->w, to->remainder, rows.first + tap * step, v, gradients[tap], *rows.scales, to->key,
                       to->update);
    }
  }
}
