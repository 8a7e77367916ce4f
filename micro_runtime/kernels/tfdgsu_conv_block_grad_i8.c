// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A tile of channels goes backwards through the chain before the next one
// does; what leaves a tile is its part of dx and the updates of its weights.

#include <stddef.h>

#include "depthwise_filter_tile.h"
#include "epilogue.h"
#include "multiply_add.h"
#include "pointwise.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kRun = 16 };

// The channels [first, first + n) of the block's M.
typedef struct {
  int32_t first, n;
} Tile;

static int32_t min_i32(int32_t a, int32_t b) { return a < b ? a : b; }

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
    const int32_t n_points = min_i32(rows - r, kTfdgsuPoints);
    for (int32_t c = 0; c < tile.n; c += kTfdgsuPointTile) {
      const int32_t n = min_i32(tile.n - c, kTfdgsuPointTile);
      float sums[kTfdgsuPoints][kTfdgsuPointTile] = {{0.0f}};
      tfdgsu_add_points_overlaid(sums, dy + r * s->out_c, s->project_w + tile.first + c,
                                 &s->project_overlay, tile.first + c, s->project_scales, s->out_c,
                                 m, n_points, n);
      for (int32_t p = 0; p < n_points; ++p) {
        store_masked(dz + (r + p) * tile.n + c, sums[p], (r + p) * m + tile.first + c, n,
                     &s->depthwise_end);
      }
    }
  }
}

// dx[..,i] += dz[..,i] * w[i] wherever one tap joins them, for n channels of rows of `row_size`.
static void add_tap(float* dx, const float* dz, const float* w, const TfdgsuWindow* s, int32_t ky,
                    int32_t kx, int32_t row_size, int32_t n) {
  const TfdgsuRange rows =
      tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top);
  const TfdgsuRange columns =
      tfdgsu_outputs_of_tap(kx, s->in_w, s->out_w, s->stride_w, s->pad_left);
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t oy = rows.begin; oy < rows.end; ++oy) {
      const int32_t y = oy * s->stride_h - s->pad_top + ky;
      for (int32_t ox = columns.begin; ox < columns.end; ++ox) {
        const int32_t x = ox * s->stride_w - s->pad_left + kx;
        float* dx_at = dx + ((b * s->in_h + y) * s->in_w + x) * row_size;
        const float* dz_at = dz + ((b * s->out_h + oy) * s->out_w + ox) * row_size;
        for (int32_t i = 0; i < n; ++i) dx_at[i] = tfdgsu_multiply_add(dz_at[i], w[i], dx_at[i]);
      }
    }
  }
}

// Input gradient of the depthwise convolution. dx [rows,n], dz [B,Ho,Wo,n], w [taps,w_stride] from the tile's first channel on. One tap after the other, so that a sum's terms come in
// the order of the contract.
static void depthwise_tile(float* dx, const float* dz, const int8_t* w, int32_t w_stride,
                           const TfdgsuConvBlockGrad* block, Tile tile, int32_t rows) {
  const TfdgsuWindow* s = &block->depthwise;
  const float* scales = block->depthwise_scales + tile.first;
  for (int32_t i = 0; i < rows * tile.n; ++i) dx[i] = 0.0f;
  for (int32_t tap = 0; tap < s->filter_h * s->filter_w; ++tap) {
    for (int32_t c = 0; c < tile.n; c += kRun) {
      const int32_t n = min_i32(tile.n - c, kRun);
      float real[kRun];
      for (int32_t i = 0; i < n; ++i) real[i] = scales[c + i] * (float)w[tap * w_stride + c + i];
      add_tap(dx + c, dz + c, real, s, tap / s->filter_w, tap % s->filter_w, tile.n, n);
    }
  }
  for (int32_t r = 0; r < rows; ++r) {
    float* row = dx + r * tile.n;
    store_masked(row, row, r * s->in_c + tile.first, tile.n, &block->conv_end);
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
    const int32_t n_points = min_i32(rows - r, kTfdgsuPoints);
    for (int32_t c = 0; c < s->in_c; c += kTfdgsuPointTile) {
      const int32_t n = min_i32(s->in_c - c, kTfdgsuPointTile);
      float sums[kTfdgsuPoints][kTfdgsuPointTile] = {{0.0f}};
      for (int32_t p = 0; p < n_points && tile.first > 0; ++p) {
        for (int32_t i = 0; i < n; ++i) sums[p][i] = dx[(r + p) * s->in_c + c + i];
      }
      tfdgsu_add_points_overlaid(sums, dz + r * tile.n, s->conv_w + tile.first * s->in_c + c,
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
  depthwise_tile(dz_of_conv, dz, w, w_stride, block, tile, rows);
  if (dx) conv_tile(dx, dz_of_conv, block, tile, rows);
  update_conv(block, dz_of_conv, tile);
  update_bias(&block->conv_bias, dz_of_conv, rows, tile);
}

void tfdgsu_conv_block_grad_i8(float* dx, const float* dy, void* scratch,
                               const TfdgsuConvBlockGrad* block) {
  const TfdgsuWindow* s = &block->depthwise;
  const int32_t out_rows = s->batches * s->out_h * s->out_w;
  const int32_t rows = block->reaches_conv ? s->batches * s->in_h * s->in_w : 0;
  const int32_t step = min_i32(block->tile_channels, s->out_c);
  float* dz = (float*)scratch;
  float* dz_of_conv = dz + out_rows * step;
  int8_t* old_w = (int8_t*)(dz_of_conv + rows * step);
  for (int32_t first = 0; first < s->out_c; first += step) {
    const Tile tile = {first, min_i32(s->out_c - first, step)};
    const int8_t* w = block->depthwise_w ? block->depthwise_w + first : NULL;
    int32_t w_stride = s->out_c;
    project_tile(dz, dy, block, tile, out_rows);
    update_bias(&block->depthwise_bias, dz, out_rows, tile);
    if (block->depthwise_filter.is_present) {
      copy_filter(old_w, w, s, tile.n);
      w = old_w;
      w_stride = tile.n;
      tfdgsu_update_depthwise_tile(block, dz, tile.first, tile.n);
    }
    if (block->reaches_conv) pass_through_conv(dx, dz, dz_of_conv, w, w_stride, block, tile);
  }
}
