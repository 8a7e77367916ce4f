// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Filter gradients of some channels of an int8 depthwise convolution, and their update.

#ifndef TFDGSU_KERNELS_DEPTHWISE_FILTER_TILE_H_
#define TFDGSU_KERNELS_DEPTHWISE_FILTER_TILE_H_

#include <stddef.h>

#include "depthwise_tile.h"
#include "integer_update.h"
#include "tfdgsu/kernels.h"

// The filter that a tile is of.
typedef struct {
  int8_t *w, *remainder;  // [taps,C]; remainder or NULL
  float* velocity;        // [taps,v_row] from the tile's first channel on, one every v_step, or NULL
  int32_t v_row, v_step;
  const float* scales;    // [C]
  int32_t first;          // the channel to count the tile's columns from
  float x_scale;
  uint32_t key;
  const TfdgsuIntegerSgd* update;
} TfdgsuDepthwiseFilterI8;

static inline void tfdgsu_update_depthwise_tile(const TfdgsuDepthwiseFilterI8* to,
                                                const TfdgsuDepthwiseFilterTile* tile, const TfdgsuTaps* taps,
                                                const TfdgsuWindow* s) {
  TfdgsuLanes sums[kTfdgsuMaxTaps];
  tfdgsu_depthwise_filter_tile_f32(sums, tile, taps, s);
  const int32_t first_tap = taps->ky * s->filter_w + taps->kx, n_taps = taps->rows * taps->columns;
  for (int32_t i = 0; i < tile->n; ++i) {
    const int32_t channel = to->first + tile->columns[i];
    const float scale = to->scales[channel];
    for (int32_t tap = 0; tap < n_taps; ++tap) {
      float* v = to->velocity ? to->velocity + (first_tap + tap) * to->v_row + i * to->v_step : NULL;
      tfdgsu_int8_step(to->w, to->remainder, (first_tap + tap) * s->out_c + channel, v, to->x_scale * sums[tap].lane[i],
                       scale, to->key, to->update);
    }
  }
}

#endif  // TFDGSU_KERNELS_DEPTHWISE_FILTER_TILE_H_
