// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A tile of channels goes backwards through the chain before the next one
// does; what leaves a tile is its part of dx and the updates of its weights.

#include <stddef.h>
#include <string.h>

#include "depthwise_filter_i8.h"
#include "depthwise_tile.h"
#include "epilogue.h"
#include "integer_update.h"
#include "min_max.h"
#include "tfdgsu/kernels.h"

// The channels [first, first + n) of the block's M.
typedef struct {
  int32_t first, n;
} Tile;

// to[i] = mask(from[i]), element `at` + i of the whole gradient; `to` may be `from`.
static void store_masked(float* to, const float* from, int32_t at, int32_t n,
                         const TfdgsuEpilogue* end) {
  for (int32_t i = 0; i < n; ++i, ++at) {
    const int passes = !end->bits || ((end->bits[at >> 3] >> (at & 7)) & 1);
    to[i] = passes ? from[i] : from[i] * end->mask_alpha;
  }
}

// Input gradient of project. dz [rows,n].
static void project_tile(float* dz, const float* dy, const TfdgsuConvBlockGrad* s, Tile tile,
                         int32_t rows) {
  const int32_t m = s->depthwise.out_c;
  for (int32_t r = 0; r < rows; r += kTfdgsuPoints) {
    const int32_t n_points = tfdgsu_min(rows - r, kTfdgsuPoints);
    for (int32_t c = 0; c < tile.n; c += kTfdgsuPointTile) {
      const int32_t n = tfdgsu_min(tile.n - c, kTfdgsuPointTile);
      float sums[kTfdgsuPoints][kTfdgsuPointTile];
      memset(sums, 0, (size_t)n_points * sizeof(sums[0]));
      tfdgsu_add_points_i8(sums, dy + r * s->out_c, s->project_w + tile.first + c,
                                 &s->project_overlay, tile.first + c, s->project_scales, s->out_c,
                                 m, n_points, n);
      for (int32_t p = 0; p < n_points; ++p) {
        store_masked(dz + (r + p) * tile.n + c, sums[p], (r + p) * m + tile.first + c, n,
                     &s->depthwise_end);
      }
    }
  }
}

// Input gradient of the depthwise convolution. dx [rows,n], dz [B,Ho,Wo,n], w [taps,w_stride] from the tile's first
// channel on.
static void depthwise_tile(float* dx, const float* dz, const int8_t* w, int32_t w_stride,
                           const TfdgsuConvBlockGrad* block, Tile tile) {
  const TfdgsuWindow* s = &block->depthwise;
  TfdgsuLanes real[kTfdgsuMaxTaps];
  TfdgsuTaps taps = tfdgsu_taps_at(0, 0, s);
  for (; taps.rows > 0; taps = tfdgsu_next_taps(&taps, s)) {
    for (int32_t c = 0; c < tile.n; c += kTfdgsuLanes) {
      const int32_t n = tfdgsu_min(tile.n - c, kTfdgsuLanes);
      const TfdgsuDepthwiseInputTile of = {dx + c, dz + c, tile.n, tile.n, real, tile.first + c, n};
      tfdgsu_convert_taps(real, w + c, w_stride, block->depthwise_scales + of.first, &taps, s, n);
      tfdgsu_depthwise_input_tile_f32(&of, &taps, &block->conv_end, s);
    }
  }
}

// Adds the tile's part of the input gradient of conv to dx; the last tile ends it. dz [rows,n].
static void conv_tile(float* dx, const float* dz, const TfdgsuConvBlockGrad* s, Tile tile,
                      int32_t rows) {
  const TfdgsuEpilogue unfinished = {NULL, NULL, 0.0f};
  const TfdgsuOverlayI8 overlay = {s->overlay_w ? s->overlay_w + tile.first * s->n_overlay : NULL,
                                   s->overlay_channels, s->n_overlay};
  const int is_last = tile.first + tile.n == s->depthwise.in_c;
  for (int32_t r = 0; r < rows; r += kTfdgsuPoints) {
    const int32_t n_points = tfdgsu_min(rows - r, kTfdgsuPoints);
    for (int32_t c = 0; c < s->in_c; c += kTfdgsuPointTile) {
      const int32_t n = tfdgsu_min(s->in_c - c, kTfdgsuPointTile);
      float sums[kTfdgsuPoints][kTfdgsuPointTile];
      memset(sums, 0, (size_t)n_points * sizeof(sums[0]));
      for (int32_t p = 0; p < n_points && tile.first > 0; ++p) {
        for (int32_t i = 0; i < n; ++i) sums[p][i] = dx[(r + p) * s->in_c + c + i];
      }
      tfdgsu_add_points_i8(sums, dz + r * tile.n, s->conv_w + tile.first * s->in_c + c,
                                 &overlay, c, s->conv_scales + tile.first, tile.n, s->in_c,
                                 n_points, n);
      for (int32_t p = 0; p < n_points; ++p) {
        tfdgsu_store_sums(dx, sums[p], (r + p) * s->in_c + c, n, is_last ? &s->end : &unfinished);
      }
    }
  }
}

// The depthwise weights of n channels, [taps,n].
static void copy_filter(int8_t* to, const int8_t* w, const TfdgsuWindow* s, int32_t n) {
  for (int32_t tap = 0; tap < s->filter_h * s->filter_w; ++tap) {
    for (int32_t i = 0; i < n; ++i) to[tap * n + i] = w[tap * s->out_c + i];
  }
}

// Filter gradient of the depthwise convolution and its update, of the selected channels that lie in the tile. Those
// that follow one another in x go together. dz [B,Ho,Wo,n].
static void update_depthwise(const TfdgsuConvBlockGrad* block, const float* dz, Tile tile) {
  const TfdgsuWindow* s = &block->depthwise;
  const TfdgsuFilterUpdate* by = &block->depthwise_filter;
  TfdgsuDepthwiseFilterI8 to = {block->depthwise_w, by->remainder, NULL, by->selected, 1, block->depthwise_scales,
                                tile.first, by->x_real.scale, tfdgsu_update_key(&by->sgd, 0), &by->sgd};
  TfdgsuDepthwiseFilterTile of = {NULL, dz, by->selected, tile.n, 1, by->x_real.zero_point, {0}, 0};
  for (int32_t j = 0; j <= by->selected; ++j) {
    const int32_t column = j == by->selected ? -1 : (by->channels ? by->channels[j] : j) - tile.first;
    const int is_inside = column >= 0 && column < tile.n;
    if (is_inside) of.columns[of.n++] = column;
    if (of.n == 0 || (is_inside && of.n < kTfdgsuLanes)) continue;
    const int32_t first = j + is_inside - of.n;
    of.x = by->x + first;
    if (by->velocity) to.velocity = by->velocity + first;
    TfdgsuTaps taps = tfdgsu_taps_at(0, 0, s);
    for (; taps.rows > 0; taps = tfdgsu_next_taps(&taps, s)) tfdgsu_update_depthwise_tile_i8(&to, &of, &taps, s);
    of.n = 0;
  }
}

static void update_bias(const TfdgsuBiasUpdate* to, const float* dz, int32_t rows, Tile tile) {
  if (!to->bias) return;
  TfdgsuIntegerSgd sgd = to->sgd;
  sgd.first_idx = (uint32_t)tile.first;
  tfdgsu_bias_grad_i32(to->bias + tile.first, to->velocity ? to->velocity + tile.first : NULL,
                       to->scales + tile.first, dz, rows, tile.n, &sgd);
}

// Filter gradient of conv and its update, of the tile's rows of conv_w or its overlay.
static void update_conv(const TfdgsuConvBlockGrad* s, const float* dz, Tile tile) {
  const TfdgsuFilterUpdate* to = &s->conv_filter;
  if (!to->is_present) return;
  const TfdgsuWindow* d = &s->depthwise;
  const TfdgsuWindow window = {d->batches, d->in_h, d->in_w, to->selected, d->in_h, d->in_w, tile.n,
                               1,          1,       1,       1,            0,       0};
  int8_t* w = s->overlay_w ? s->overlay_w : s->conv_w;
  const int32_t n_channels = s->overlay_w ? s->n_overlay : s->in_c;
  const int32_t first = tile.first * n_channels;
  TfdgsuIntegerSgd sgd = to->sgd;
  sgd.first_idx = (uint32_t)first;
  tfdgsu_conv_2d_grad_filter_i8(w + first, to->remainder ? to->remainder + first : NULL,
                                to->velocity ? to->velocity + tile.first * to->selected : NULL,
                                s->conv_scales + tile.first, to->x, &to->x_real, dz, to->channels,
                                n_channels, &sgd, &window);
}

// From the gradient of the depthwise result on: dz [B,Ho,Wo,n], dx [B,H,W,C] or NULL.
static void pass_through_conv(float* dx, const float* dz, float* dz_of_conv, const int8_t* w,
                              int32_t w_stride, const TfdgsuConvBlockGrad* block, Tile tile) {
  const TfdgsuWindow* s = &block->depthwise;
  const int32_t rows = s->batches * s->in_h * s->in_w;
  depthwise_tile(dz_of_conv, dz, w, w_stride, block, tile);
  if (dx) conv_tile(dx, dz_of_conv, block, tile, rows);
  update_conv(block, dz_of_conv, tile);
  update_bias(&block->conv_bias, dz_of_conv, rows, tile);
}

void tfdgsu_conv_block_grad_i8(float* dx, const float* dy, void* scratch,
                               const TfdgsuConvBlockGrad* block) {
  const TfdgsuWindow* s = &block->depthwise;
  const int32_t out_rows = s->batches * s->out_h * s->out_w;
  const int32_t rows = block->reaches_conv ? s->batches * s->in_h * s->in_w : 0;
  const int32_t step = tfdgsu_min(block->tile_channels, s->out_c);
  float* dz = (float*)scratch;
  float* dz_of_conv = dz + out_rows * step;
  int8_t* old_w = (int8_t*)(dz_of_conv + rows * step);
  for (int32_t first = 0; first < s->out_c; first += step) {
    const Tile tile = {first, tfdgsu_min(s->out_c - first, step)};
    const int8_t* w = block->depthwise_w ? block->depthwise_w + first : NULL;
    int32_t w_stride = s->out_c;
    project_tile(dz, dy, block, tile, out_rows);
    update_bias(&block->depthwise_bias, dz, out_rows, tile);
    if (block->depthwise_filter.is_present) {
      copy_filter(old_w, w, s, tile.n);
      w = old_w;
      w_stride = tile.n;
      update_depthwise(block, dz, tile);
    }
    if (block->reaches_conv) pass_through_conv(dx, dz, dz_of_conv, w, w_stride, block, tile);
  }
}
