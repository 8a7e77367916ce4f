// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Filter gradient of the depthwise convolution of a block and its update, of a tile of its channels.

#ifndef TFDGSU_KERNELS_DEPTHWISE_FILTER_TILE_H_
#define TFDGSU_KERNELS_DEPTHWISE_FILTER_TILE_H_

#include <stddef.h>

#include "integer_update.h"
#include "multiply_add.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTfdgsuSelection = 16 };

// Some selected channels that lie in the tile: where they are in x, and in the tile.
typedef struct {
  int32_t in_x[kTfdgsuSelection], in_tile[kTfdgsuSelection];
  int32_t n;
} TfdgsuSelection;

// Sums of tap (ky, kx) over all output positions: sums[i] += (x - zero point) * dz. dz [B,Ho,Wo,row_size].
static inline void tfdgsu_sum_selection(float* sums, const TfdgsuFilterUpdate* to, const float* dz,
                                        int32_t row_size, const TfdgsuSelection* chosen,
                                        const TfdgsuWindow* s, int32_t ky, int32_t kx) {
  const TfdgsuRange rows =
      tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top);
  const TfdgsuRange columns =
      tfdgsu_outputs_of_tap(kx, s->in_w, s->out_w, s->stride_w, s->pad_left);
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = rows.begin; oy < rows.end; ++oy) {
      const int32_t y = oy * s->stride_h - s->pad_top + ky;
      for (int32_t ox = columns.begin; ox < columns.end; ++ox) {
        const int32_t x = ox * s->stride_w - s->pad_left + kx;
        const float* dz_at = dz + ((b * s->out_h + oy) * s->out_w + ox) * row_size;
        const int8_t* x_at = to->x + ((b * s->in_h + y) * s->in_w + x) * to->selected;
        for (int32_t i = 0; i < chosen->n; ++i) {
          const float real = (float)(x_at[chosen->in_x[i]] - to->x_real.zero_point);
          sums[i] = tfdgsu_multiply_add(real, dz_at[chosen->in_tile[i]], sums[i]);
        }
      }
    }
  }
}

static inline void tfdgsu_update_selection(const TfdgsuConvBlockGrad* block, const float* dz,
                                           int32_t first, int32_t n,
                                           const TfdgsuSelection* chosen) {
  const TfdgsuWindow* s = &block->depthwise;
  const TfdgsuFilterUpdate* to = &block->depthwise_filter;
  const uint32_t key = tfdgsu_update_key(&to->sgd, 0);
  for (int32_t tap = 0; tap < s->filter_h * s->filter_w; ++tap) {
    float sums[kTfdgsuSelection] = {0.0f};
    tfdgsu_sum_selection(sums, to, dz, n, chosen, s, tap / s->filter_w, tap % s->filter_w);
    for (int32_t i = 0; i < chosen->n; ++i) {
      const int32_t channel = first + chosen->in_tile[i];
      float* v = to->velocity ? to->velocity + tap * to->selected + chosen->in_x[i] : NULL;
      tfdgsu_int8_step(block->depthwise_w, to->remainder, tap * s->out_c + channel, v,
                       to->x_real.scale * sums[i], block->depthwise_scales[channel], key, &to->sgd);
    }
  }
}

// Channels [first, first + n); dz [B,Ho,Wo,n].
static inline void tfdgsu_update_depthwise_tile(const TfdgsuConvBlockGrad* block, const float* dz,
                                                int32_t first, int32_t n) {
  const TfdgsuFilterUpdate* to = &block->depthwise_filter;
  TfdgsuSelection chosen = {{0}, {0}, 0};
  for (int32_t j = 0; j < to->selected; ++j) {
    const int32_t channel = to->channels ? to->channels[j] : j;
    if (channel < first || channel >= first + n) continue;
    chosen.in_x[chosen.n] = j;
    chosen.in_tile[chosen.n++] = channel - first;
    if (chosen.n == kTfdgsuSelection) {
      tfdgsu_update_selection(block, dz, first, n, &chosen);
      chosen.n = 0;
    }
  }
  if (chosen.n > 0) tfdgsu_update_selection(block, dz, first, n, &chosen);
}

#endif  // TFDGSU_KERNELS_DEPTHWISE_FILTER_TILE_H_
