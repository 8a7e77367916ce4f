// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Sums of one filter tap, for 48 output by 4 selected input channels, over the whole
// image, then applied: no gradient array. x is made real for a block of positions at once; an image of one block
// once for all output channels.

#include <stddef.h>

#include "filter_positions.h"
#include "integer_update.h"
#include "position_tile.h"
#include "tfdgsu/kernels.h"

enum { kOutTile = 48, kInTile = 4, kBlock = 64 };

// Where a walk through the positions of a tap has come to: the next one.
typedef struct {
  int32_t image, line, k;
  const float* dy;
  const int8_t* x;
} Walk;

// Positions within one line, or some whole lines. Real x of 4 channels, those of the tile first.
typedef struct {
  float x[kBlock][kInTile];
  TfdgsuPositions positions;
  const float* dy;
} Block;

static inline float real_of(int8_t x, const TfdgsuQuantization* from) {
  return from->scale * (float)(x - from->zero_point);
}

// Loads the next n positions of a line.
static void load_line(float (*real)[kInTile], Walk* walk, const TfdgsuPositions* all, int32_t n,
                      const TfdgsuQuantization* from, int32_t n_in) {
  const int8_t* x = walk->x;
  const TfdgsuQuantization own = *from;
  for (int32_t left = n; left > 0; --left, x += all->x_step, ++real) {
    float* to = *real;
    if (n_in == kInTile) {
      to[0] = real_of(x[0], &own), to[1] = real_of(x[1], &own);
      to[2] = real_of(x[2], &own), to[3] = real_of(x[3], &own);
    } else {
      for (int32_t j = 0; j < kInTile; ++j) to[j] = j < n_in ? real_of(x[j], &own) : 0.0f;
    }
  }
  walk->x = x;
  walk->dy += n * all->dy_step;
  walk->k += n;
  if (walk->k < all->line) return;
  walk->k = 0;
  walk->x += all->x_line_gap;
  walk->dy += all->dy_line_gap;
  if (++walk->line < all->lines) return;
  walk->line = 0;
  walk->x += all->x_image_gap;
  walk->dy += all->dy_image_gap;
  ++walk->image;
}

static void load_block(Block* block, Walk* walk, const TfdgsuPositions* all,
                       const TfdgsuQuantization* from, int32_t n_in) {
  const int32_t rest = all->line - walk->k, lines_left = all->lines - walk->line;
  const int32_t line = rest < kBlock ? rest : kBlock;
  int32_t lines = walk->k == 0 && line == rest && line > 0 ? kBlock / line : 1;
  if (lines > lines_left) lines = lines_left;
  const TfdgsuPositions at = {1, lines, line, all->dy_step, all->dy_line_gap, 0, kInTile, 0, 0};
  block->positions = at;
  block->dy = walk->dy;
  for (int32_t i = 0; i < lines; ++i) load_line(block->x + i * line, walk, all, line, from, n_in);
}

// Steps the weights of n_out output channels, n_in selected ones.
static void apply(const TfdgsuRowsOfWeights* rows, float gradients[kOutTile][kInTile], int32_t n_out, int32_t n_in) {
  if (n_in == kInTile) {
    tfdgsu_step_rows_i8(rows, gradients[0], n_out);
    return;
  }
  for (int32_t i = 0; i < n_out; ++i) {
    float* v = rows->velocity ? rows->velocity + i * rows->v_stride : NULL;
    for (int32_t j = 0; j < n_in; ++j) {
      tfdgsu_int8_step(rows->w, rows->remainder, rows->first + i * rows->stride + rows->columns[j],
                       v ? v + j : NULL, gradients[i][j], rows->scales[i], rows->key, rows->update);
    }
  }
}

void tfdgsu_conv_2d_grad_filter_i8(int8_t* w, int8_t* remainder, float* velocity,
                                   const float* scales, const int8_t* x,
                                   const TfdgsuQuantization* x_real, const float* dy,
                                   const int32_t* channels, int32_t n_channels,
                                   const TfdgsuIntegerSgd* update, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t taps = s->filter_h * s->filter_w;
  TfdgsuRowsOfWeights rows = {w, remainder, NULL, NULL, 0, taps * n_channels, taps * s->in_c, {0},
                              tfdgsu_update_key(update, 0), update};
  Block block;
  for (int32_t tap = 0; tap < taps; ++tap) {
    const TfdgsuTap at = tfdgsu_tap(s, tap / s->filter_w, tap % s->filter_w);
    const TfdgsuPositions all = tfdgsu_positions_of_tap(s, &at);
    const int is_one_block = all.lines == 0 || (all.images == 1 && all.lines * all.line <= kBlock);
    for (int32_t j = 0; j < s->in_c; j += kInTile) {
      const int32_t n_in = s->in_c - j < kInTile ? s->in_c - j : kInTile;
      for (int32_t q = 0; q < n_in; ++q) rows.columns[q] = channels ? channels[j + q] : j + q;
      for (int32_t o = 0; o < s->out_c; o += kOutTile) {
        const int32_t n_out = s->out_c - o < kOutTile ? s->out_c - o : kOutTile;
        float sums[kOutTile][kInTile];
        Walk walk = {0, 0, 0, dy + at.first_dy, x + at.first_x + j};
        int is_first = 1;
        do {
          if (!is_one_block || o == 0) load_block(&block, &walk, &all, x_real, n_in);
          tfdgsu_add_positions(sums[0], is_first, block.dy + o, block.x[0], &block.positions, n_out);
          is_first = 0;
        } while (!is_one_block && walk.image < all.images);
        rows.scales = scales + o;
        rows.first = (o * taps + tap) * n_channels;
        rows.velocity = velocity ? velocity + (o * taps + tap) * s->in_c + j : NULL;
        apply(&rows, sums, n_out, n_in);
      }
    }
  }
}
