// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Sums of one filter tap, for 16 output by 16 selected input channels, over
// the whole image, then applied: no gradient array. x is converted for a block of positions at once; an
// image of one block is converted once for all output channels.

#include <stddef.h>

#include "integer_update.h"
#include "multiply_add.h"
#include "register_tile.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kOutTile = 16, kInTile = 16, kBlock = 16 };

// Positions of one tap: x - zero point, and where in dy they are.
typedef struct {
  float x[kBlock][kInTile];
  int32_t dy_at[kBlock];
  int32_t size;
} Block;

// The positions of a tap, walked through block by block.
typedef struct {
  TfdgsuRange rows, columns;
  int32_t y_offset, x_offset;  // of the input against output * stride
  int32_t b, oy, ox;           // the next one
  int32_t left;
} Walk;

static Walk walk_of_tap(const TfdgsuWindow* s, int32_t ky, int32_t kx) {
  Walk walk;
  walk.rows = tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top);
  walk.columns = tfdgsu_outputs_of_tap(kx, s->in_w, s->out_w, s->stride_w, s->pad_left);
  walk.y_offset = ky - s->pad_top;
  walk.x_offset = kx - s->pad_left;
  walk.b = 0;
  walk.oy = walk.rows.begin;
  walk.ox = walk.columns.begin;
  const int32_t height = walk.rows.end - walk.rows.begin;
  const int32_t width = walk.columns.end - walk.columns.begin;
  walk.left = height > 0 && width > 0 ? s->batches * height * width : 0;
  return walk;
}

static void step(Walk* walk) {
  walk->left -= 1;
  if (++walk->ox < walk->columns.end) return;
  walk->ox = walk->columns.begin;
  if (++walk->oy < walk->rows.end) return;
  walk->oy = walk->rows.begin;
  walk->b += 1;
}

static inline void center(float* real, const int8_t* x, int32_t zero_point, int32_t n) {
  for (int32_t i = 0; i < n; ++i) real[i] = (float)(x[i] - zero_point);
}

// Loads the next positions of the walk; channels [0, n) of x.
static void load_block(Block* block, Walk* walk, const int8_t* x, int32_t zero_point,
                       const TfdgsuWindow* s, int32_t n) {
  block->size = walk->left < kBlock ? walk->left : kBlock;
  for (int32_t p = 0; p < block->size; ++p) {
    const int32_t y = walk->oy * s->stride_h + walk->y_offset;
    const int32_t x_at = walk->ox * s->stride_w + walk->x_offset;
    const int8_t* from = x + ((walk->b * s->in_h + y) * s->in_w + x_at) * s->in_c;
    block->dy_at[p] = ((walk->b * s->out_h + walk->oy) * s->out_w + walk->ox) * s->out_c;
    if (n == kInTile) {
      center(block->x[p], from, zero_point, kInTile);
    } else {
      center(block->x[p], from, zero_point, n);
    }
    step(walk);
  }
}

// sums[i][j] += dy[i] * x[j] over the positions of a block, i and j below 4.
TFDGSU_TILE void add_tile(float* sums, const Block* block, const float* dy, int32_t j) {
  TFDGSU_LOAD_SUMS(sums, 0);
  TFDGSU_LOAD_SUMS(sums + kInTile, 1);
  TFDGSU_LOAD_SUMS(sums + 2 * kInTile, 2);
  TFDGSU_LOAD_SUMS(sums + 3 * kInTile, 3);
  for (int32_t p = 0; p < block->size; ++p) {
    const float *a = dy + block->dy_at[p], *b = block->x[p] + j;
    const float b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
    TFDGSU_ADD_ROW(a[0], 0);
    TFDGSU_ADD_ROW(a[1], 1);
    TFDGSU_ADD_ROW(a[2], 2);
    TFDGSU_ADD_ROW(a[3], 3);
  }
  TFDGSU_STORE_SUMS(sums, 0);
  TFDGSU_STORE_SUMS(sums + kInTile, 1);
  TFDGSU_STORE_SUMS(sums + 2 * kInTile, 2);
  TFDGSU_STORE_SUMS(sums + 3 * kInTile, 3);
}

// sums[o][j] += dy[o] * x[j] over the positions of a block.
static void add_block(float sums[kOutTile][kInTile], const Block* block, const float* dy,
                      int32_t n_out, int32_t n_in) {
  const int32_t whole_out = n_out & -kTfdgsuSide, whole_in = n_in & -kTfdgsuSide;
  for (int32_t o = 0; o < whole_out; o += kTfdgsuSide) {
    for (int32_t j = 0; j < whole_in; j += kTfdgsuSide) add_tile(sums[o] + j, block, dy + o, j);
  }
  for (int32_t p = 0; p < block->size; ++p) {
    const float* dy_at = dy + block->dy_at[p];
    for (int32_t o = 0; o < n_out; ++o) {
      for (int32_t j = o < whole_out ? whole_in : 0; j < n_in; ++j) {
        sums[o][j] = tfdgsu_multiply_add(dy_at[o], block->x[p][j], sums[o][j]);
      }
    }
  }
}

typedef struct {
  int8_t *w, *remainder;
  float* velocity;
  const float* scales;
  const int32_t* channels;
  int32_t n_channels;
  uint32_t key;
  const TfdgsuIntegerSgd* update;
} Weights;

// Steps the weights of one tap for output channels [o, o + n_out), selected channels [j, j + n_in).
static void apply_tile(const Weights* to, float sums[kOutTile][kInTile], float x_scale,
                       const TfdgsuWindow* s, int32_t tap, int32_t o, int32_t j, int32_t n_out,
                       int32_t n_in) {
  const int32_t taps = s->filter_h * s->filter_w;
  for (int32_t i = 0; i < n_out; ++i) {
    const int32_t row = (o + i) * taps + tap;
    float* v_row = to->velocity ? to->velocity + row * s->in_c : NULL;
    for (int32_t q = 0; q < n_in; ++q) {
      const int32_t channel = to->channels ? to->channels[j + q] : j + q;
      tfdgsu_int8_step(to->w, to->remainder, row * to->n_channels + channel,
                       v_row ? v_row + j + q : NULL, x_scale * sums[i][q], to->scales[o + i],
                       to->key, to->update);
    }
  }
}

void tfdgsu_conv_2d_grad_filter_i8(int8_t* w, int8_t* remainder, float* velocity,
                                   const float* scales, const int8_t* x,
                                   const TfdgsuQuantization* x_real, const float* dy,
                                   const int32_t* channels, int32_t n_channels,
                                   const TfdgsuIntegerSgd* update, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const Weights to = {w,          remainder,  velocity, scales, channels,
                      n_channels, tfdgsu_update_key(update, 0), update};
  for (int32_t tap = 0; tap < s->filter_h * s->filter_w; ++tap) {
    const Walk start = walk_of_tap(s, tap / s->filter_w, tap % s->filter_w);
    for (int32_t j = 0; j < s->in_c; j += kInTile) {
      const int32_t n_in = s->in_c - j < kInTile ? s->in_c - j : kInTile;
      Block block;
      for (int32_t o = 0; o < s->out_c; o += kOutTile) {
        const int32_t n_out = s->out_c - o < kOutTile ? s->out_c - o : kOutTile;
        float sums[kOutTile][kInTile] = {{0.0f}};
        Walk walk = start;
        while (walk.left > 0) {
          if (start.left <= kBlock && o > 0) {
            walk.left = 0;  // the only block is loaded
          } else {
            load_block(&block, &walk, x + j, x_real->zero_point, s, n_in);
          }
          add_block(sums, &block, dy + o, n_out, n_in);
        }
        apply_tile(&to, sums, x_real->scale, s, tap, o, j, n_out, n_in);
      }
    }
  }
}
