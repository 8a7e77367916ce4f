// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Image positions a stride apart are read by the same taps, at outputs that follow one
// another: x = q*stride - offset + phase, where tap kx = phase + stride*j meets output q - j. Some such positions are
// summed at a time, from a copy of a part of dy that lies in lanes, its rows reversed so that q - j ascends with j.

#include <stddef.h>

#include "compiler.h"
#include "correlate.h"
#include "epilogue.h"
#include "min_max.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kPositions = 128, kSide = 4, kStrip = 12 };

// How many of `n` taps there are from each phase on: a stride apart, `most` for the first n_most phases, then one less.
typedef struct {
  int32_t most, n_most;
} Phases;

typedef struct {
  const TfdgsuDepthwiseInputTile* tile;
  const TfdgsuTaps* taps;
  const TfdgsuEpilogue* epilogue;
  const TfdgsuWindow* s;
  int32_t y_offset, x_offset;  // of an image position, to be counted from the first of the taps
  Phases rows, columns;
  int32_t is_first;           // whether the taps are the filter's first ones
  int32_t is_plain;           // whether all lanes are channels, and no addend is read after dx is stored
  int32_t has_end;            // whether the sums are finished by an epilogue
} Walk;

// The part of dy that is copied: for quotients [q, q + width) and [p, p + height) of x and y.
typedef struct {
  int32_t b, q, width, p, height;
  TfdgsuRange rows;  // of dy
  int32_t pitch;
  TfdgsuLanes lanes[kPositions];
} Part;

static Phases split_taps(int32_t n, int32_t stride) {
  const Phases phases = {(n + stride - 1) / stride, (n - 1) % stride + 1};
  return phases;
}

static int32_t taps_of_phase(Phases phases, int32_t phase) { return phases.most - (phase >= phases.n_most); }

TFDGSU_INLINE void clear(TfdgsuLanes* to, int32_t n) {
  for (; n > 0; --n, ++to) {
    TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) to->lane[j] = 0.0f;
  }
}

// `count` positions, from the last one to the first.
TFDGSU_INLINE void copy_positions(TfdgsuLanes* to, const float* from, int32_t pitch, int32_t count) {
  for (; count > 0; --count, from -= pitch, ++to) *to = *(const TfdgsuLanes*)from;
}

// Of n < 4 channels.
TFDGSU_APART void copy_some_channels(TfdgsuLanes* to, const float* from, int32_t pitch, int32_t count, int32_t n) {
  for (; count > 0; --count, from -= pitch, ++to) {
    for (int32_t j = 0; j < kTfdgsuLanes; ++j) to->lane[j] = j < n ? from[j] : 0.0f;
  }
}

TFDGSU_APART void copy_part(Part* part, const Walk* walk) {
  const TfdgsuDepthwiseInputTile* t = walk->tile;
  const TfdgsuWindow* s = walk->s;
  const int32_t last = part->q + part->width - 1;  // the output in the first place
  const int32_t begin = tfdgsu_min(tfdgsu_max(last - s->out_w + 1, 0), part->pitch);
  const int32_t end = tfdgsu_min(tfdgsu_max(last + 1, begin), part->pitch);
  const int32_t n = t->n, pitch = t->dy_pitch, row = s->out_w * pitch, to_pitch = part->pitch;
  part->rows.begin = tfdgsu_max(part->p - walk->rows.most + 1, 0);
  part->rows.end = tfdgsu_min(part->p + part->height, s->out_h);
  const float* from = t->dy + ((part->b * s->out_h + part->rows.begin) * s->out_w + last - begin) * pitch;
  TfdgsuLanes* to = part->lanes + begin;
  // What is behind a row and before the next one is cleared at once.
  const int32_t count = end - begin, outside = to_pitch - count;
  clear(part->lanes, begin);
  for (int32_t left = part->rows.end - part->rows.begin; left > 0; --left, to += to_pitch, from += row) {
    if (n == kTfdgsuLanes) {
      copy_positions(to, from, pitch, count);
    } else {
      copy_some_channels(to, from, pitch, count, n);
    }
    clear(to + count, left > 1 ? outside : to_pitch - end);
  }
}

// Positions of a row of the images, a stride apart; the last one is x, and `at` its number among all positions.
typedef struct {
  int32_t x, at;
} Place;

static int is_inside(const Walk* walk, Place place) { return place.x >= 0 && place.x < walk->s->in_w; }

static void load_sums(float sums[kSide][kTfdgsuLanes], const Walk* walk, Place place) {
  const TfdgsuDepthwiseInputTile* t = walk->tile;
  for (int32_t i = 0; i < kSide; ++i, place.x -= walk->s->stride_w, place.at -= walk->s->stride_w) {
    if (!is_inside(walk, place)) continue;
    for (int32_t j = 0; j < t->n; ++j) sums[i][j] = t->dx[place.at * t->dx_pitch + j];
  }
}

// Those inside the image, finished before they are stored: the epilogue's addend may lie where dx does.
TFDGSU_APART void store_sums(float sums[kSide][kTfdgsuLanes], const Walk* walk, Place place) {
  const TfdgsuDepthwiseInputTile* t = walk->tile;
  for (int32_t i = 0; i < kSide; ++i, place.x -= walk->s->stride_w, place.at -= walk->s->stride_w) {
    if (!is_inside(walk, place)) continue;
    if (walk->has_end) tfdgsu_finish_sums(sums[i], place.at * walk->s->in_c + t->first, t->n, walk->epilogue);
    for (int32_t j = 0; j < t->n; ++j) t->dx[place.at * t->dx_pitch + j] = sums[i][j];
  }
}

// Of n positions inside the image, all channels, after they were stored.
TFDGSU_APART void mask_stored(const Walk* walk, Place place, int32_t n) {
  const TfdgsuDepthwiseInputTile* t = walk->tile;
  for (; n > 0; --n, place.at -= walk->s->stride_w) {
    const int32_t first = place.at * walk->s->in_c + t->first;
    tfdgsu_finish_sums(t->dx + place.at * t->dx_pitch, first, kTfdgsuLanes, walk->epilogue);
  }
}

TFDGSU_INLINE void sum_place(const Walk* walk, const TfdgsuRows* of, Place place, int is_plain) {
  float sums[kSide][kTfdgsuLanes], kept[kSide][kTfdgsuLanes];
  if (walk->is_first) {
    TFDGSU_UNROLL for (int i = 0; i < kSide; ++i) {
      TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) sums[i][j] = 0.0f;
    }
  } else {
    load_sums(kept, walk, place);
    TFDGSU_UNROLL for (int i = 0; i < kSide; ++i) {
      TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) sums[i][j] = kept[i][j];
    }
  }
  tfdgsu_correlate(sums, of, 0, kSide, kTfdgsuLanes);
  if (is_plain) {
    float* dx = walk->tile->dx + place.at * walk->tile->dx_pitch;
    const int32_t step = walk->s->stride_w * walk->tile->dx_pitch;
    TFDGSU_UNROLL for (int i = 0; i < kSide; ++i, dx -= step) {
      TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) dx[j] = sums[i][j];
    }
    if (walk->has_end) mask_stored(walk, place, kSide);
  } else {
    TFDGSU_UNROLL for (int i = 0; i < kSide; ++i) {
      TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) kept[i][j] = sums[i][j];
    }
    store_sums(kept, walk, place);
  }
}

// Four columns a stride apart, of which x is the last one, in the rows [y, end). `first` has the first of their taps
// and the part's first row of dy.
TFDGSU_APART void sum_columns(const Walk* walk, const Part* part, const TfdgsuRows* first, int32_t x, int32_t y,
                              int32_t end) {
  const TfdgsuWindow* s = walk->s;
  const int is_plain = walk->is_plain && x < s->in_w && x >= (kSide - 1) * s->stride_w;
  const int32_t stride = s->stride_h, columns = walk->taps->columns;
  // Row y = p*stride - offset + phase. Output p - m is met by tap phase + stride*m.
  int32_t p = (y + walk->y_offset + stride) / stride - 1, phase = y + walk->y_offset - p * stride;
  TfdgsuRows of = *first;
  Place place = {x, (part->b * s->in_h + y) * s->in_w + x};
  for (; y < end; ++y, place.at += s->in_w) {
    const int32_t begin = tfdgsu_max(p - s->out_h + 1, 0);
    of.rows = tfdgsu_min(p + 1, taps_of_phase(walk->rows, phase)) - begin;
    of.a = first->a + (phase + stride * begin) * columns;
    if (of.steps == 0 || of.rows < 0) of.rows = 0;
    of.b = of.rows > 0 ? first->b + (p - begin - part->rows.begin) * part->pitch : first->b;
    sum_place(walk, &of, place, is_plain);
    if (++phase == stride) phase = 0, ++p;
  }
}

// Squares of 4 x 4 positions, one below the other, with strides of 1 and taps that are a filter's first ones. Their
// lanes are summed one after the other.
typedef struct {
  float* dx;       // the last position of the first row
  const float* a;  // the first tap
  // What that tap meets in the last row of dy that the first square meets. As a number: the row may not exist.
  uintptr_t b;
  int32_t pitch, row;  // from a position of dx and from a row to the next one
  uintptr_t b_row;     // the same of dy, in bytes
  int32_t shift, depth;  // 4 less than the rows of all squares; rows of the filter
  // Bit r: whether the r-th row of dy exists, counted back from the last one that the last square meets. The square
  // before it begins 4 bits further on.
  uint32_t rows;
} Squares;

TFDGSU_INLINE void clear_square(float sums[kSide][kSide]) {
  TFDGSU_UNROLL for (int i = 0; i < kSide * kSide; ++i) sums[i / kSide][i % kSide] = 0.0f;
}

// sums[j][i] is of the i-th position before the last one, in the j-th row.
TFDGSU_INLINE float* store_square(float sums[kSide][kSide], float* dx, int32_t pitch, int32_t row) {
  TFDGSU_UNROLL for (int j = 0; j < kSide; ++j, dx += row) {
    TFDGSU_UNROLL for (int i = 0; i < kSide; ++i, dx -= pitch) {
      TFDGSU_KEEP(dx);
      *dx = sums[j][i];
    }
  }
  return dx;
}

// Of a filter of 3 x 3, whose taps stay in registers.
TFDGSU_APART void sum_squares_3(const Squares* of) {
  const int32_t pitch = of->pitch, row = of->row + kSide * pitch;
  const uintptr_t b_row = of->b_row;
  for (int32_t lane = 0; lane < kTfdgsuLanes; ++lane) {
    const float* a = of->a + lane;
    uintptr_t b = of->b + (uintptr_t)lane * sizeof(float);
    float own[3][3];
    TFDGSU_UNROLL for (int k = 0; k < 9; ++k) own[k / 3][k % 3] = a[k * kTfdgsuLanes];
    float* dx = of->dx + lane;
    for (int32_t shift = of->shift; shift >= 0; shift -= kSide, b += (kSide + kSide + 2) * b_row) {
      const uint32_t rows = of->rows >> shift;
      float sums[kSide][kSide];
      clear_square(sums);
      TFDGSU_UNROLL for (int r = 0; r < kSide + 2; ++r, b -= b_row) {
        TFDGSU_KEEP(b);
        if (!(rows >> r & 1)) continue;
        const float* factors = (const float*)b;
        TFDGSU_UNROLL for (int k = 0; k < kSide + 2; ++k) {
          TFDGSU_IN_ORDER;
          const float factor = factors[k * kTfdgsuLanes];
          TFDGSU_UNROLL for (int j = kSide - 1; j >= 0; --j) {
            const int ky = r - (kSide - 1 - j);
            if (ky < 0 || ky >= 3) continue;
            TFDGSU_UNROLL for (int i = 0; i < kSide; ++i) {
              if (k - i >= 0 && k - i < 3) sums[j][i] = tfdgsu_multiply_add(own[ky][k - i], factor, sums[j][i]);
            }
          }
        }
      }
      dx = store_square(sums, dx, pitch, row);
    }
  }
}

// Of a filter with 5 columns: a row of dy stays in registers.
TFDGSU_APART void sum_squares_5(const Squares* of) {
  enum { kTaps = 5 };
  const int32_t pitch = of->pitch, row = of->row + kSide * pitch;
  const uintptr_t b_row = of->b_row;
  const uint32_t depth = (uint32_t)of->depth, all = (1u << (depth + kSide - 1)) - 1u;
  for (int32_t lane = 0; lane < kTfdgsuLanes; ++lane) {
    float* dx = of->dx + lane;
    uintptr_t last = of->b + (uintptr_t)lane * sizeof(float);
    for (int32_t shift = of->shift; shift >= 0; shift -= kSide, last += kSide * b_row) {
      float sums[kSide][kSide];
      clear_square(sums);
      // A row meets the square's last row by row ky of the filter, which may not exist either.
      uintptr_t b = last, a = (uintptr_t)(of->a + lane);
      uint32_t rows = of->rows >> shift & all;
      for (uint32_t ky = 0; rows; rows >>= 1, ++ky, b -= b_row, a += kTaps * sizeof(TfdgsuLanes)) {
        if (!(rows & 1)) continue;
        float own[kSide + kTaps - 1];
        TFDGSU_UNROLL for (int k = 0; k < kSide + kTaps - 1; ++k) own[k] = ((const float*)b)[k * kTfdgsuLanes];
        TFDGSU_UNROLL for (int j = 0; j < kSide; ++j) {
          const uint32_t before = (uint32_t)(kSide - 1 - j);
          if (ky - before >= depth) continue;
          const float* own_a = (const float*)(a - before * kTaps * sizeof(TfdgsuLanes));
          TFDGSU_UNROLL for (int k = 0; k < kTaps; ++k) {
            TFDGSU_IN_ORDER;
            const float factor = own_a[k * kTfdgsuLanes];
            TFDGSU_UNROLL for (int i = 0; i < kSide; ++i) {
              sums[j][i] = tfdgsu_multiply_add(factor, own[k + i], sums[j][i]);
            }
          }
        }
      }
      dx = store_square(sums, dx, pitch, row);
    }
  }
}

// Four columns as above, in rows from y on: as many as make squares. The row behind them.
static int32_t sum_squares(const Walk* walk, const Part* part, const TfdgsuRows* first, int32_t x, int32_t y,
                           int32_t end) {
  const TfdgsuWindow* s = walk->s;
  const int32_t pitch = walk->tile->dx_pitch, n = (end - y) / kSide, n_rows = part->rows.end - part->rows.begin;
  // The last row of dy that the last square meets, counted from the first one that is read.
  const int32_t last = y + n * kSide - 1 + walk->y_offset - part->rows.begin;
  Place place = {x, (part->b * s->in_h + y) * s->in_w + x};
  const uintptr_t b_row = (uintptr_t)part->pitch * sizeof(TfdgsuLanes);
  if (n <= 0 || n_rows <= 0 || last > 31) return y;
  Squares of = {walk->tile->dx + place.at * pitch, first->a->lane, 0, pitch, s->in_w * pitch, b_row, (n - 1) * kSide,
                walk->taps->rows, 0};
  const int32_t skipped = last < n_rows ? 0 : last + 1 - n_rows;
  of.rows = ((2u << last) - 1u) & ~((1u << skipped) - 1u);
  of.b = (uintptr_t)first->b + (uintptr_t)(last - of.shift) * b_row;
  if (walk->taps->columns == 3) {
    sum_squares_3(&of);
  } else {
    sum_squares_5(&of);
  }
  for (int32_t i = n * kSide; i > 0 && walk->has_end; --i, place.at += s->in_w) mask_stored(walk, place, kSide);
  return y + n * kSide;
}

static void sum_part(const Walk* walk, const Part* part) {
  const TfdgsuWindow* s = walk->s;
  const int32_t stride = s->stride_w, columns = walk->taps->columns, rows = walk->taps->rows;
  const int32_t begin = tfdgsu_max(part->p * s->stride_h - walk->y_offset, 0);
  const int32_t end = tfdgsu_min((part->p + part->height) * s->stride_h - walk->y_offset, s->in_h);
  const int has_squares = kTfdgsuHasSpecialLoops && walk->is_plain && walk->is_first && stride == 1 &&
                          s->stride_h == 1 && ((columns == 3 && rows == 3) || columns == 5);
  TfdgsuRows of = {walk->tile->w, NULL, s->stride_h * columns, -part->pitch, 0, 0};
  for (int32_t phase = 0; phase < stride; ++phase, of.a += of.steps) {
    of.steps = taps_of_phase(walk->columns, phase);
    of.b = part->lanes;
    int32_t x = (part->q + part->width - 1) * stride - walk->x_offset + phase;
    for (int32_t left = part->width; left > 0; left -= kSide, of.b += kSide, x -= kSide * stride) {
      const int is_inside = x < s->in_w && x >= kSide - 1;
      const int32_t y = has_squares && is_inside ? sum_squares(walk, part, &of, x, begin, end) : begin;
      if (y < end) sum_columns(walk, part, &of, x, y, end);
    }
  }
}

void tfdgsu_depthwise_input_tile_f32(const TfdgsuDepthwiseInputTile* tile, const TfdgsuTaps* taps,
                                     const TfdgsuEpilogue* epilogue, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  Walk walk = {tile, taps, epilogue, s, s->pad_top - taps->ky, s->pad_left - taps->kx, {0, 0}, {0, 0}, 0, 0, 0};
  walk.rows = split_taps(taps->rows, s->stride_h);
  walk.columns = split_taps(taps->columns, s->stride_w);
  walk.is_first = taps->ky == 0 && taps->kx == 0;
  const int is_last = taps->ky + taps->rows == s->filter_h && taps->kx + taps->columns == s->filter_w;
  walk.is_plain = tile->n == kTfdgsuLanes && !epilogue->addend;
  walk.has_end = is_last && (epilogue->addend || epilogue->bits);
  const int32_t p_begin = tfdgsu_floor_div(walk.y_offset, s->stride_h);
  const int32_t p_end = tfdgsu_floor_div(s->in_h - 1 + walk.y_offset, s->stride_h) + 1;
  const int32_t q_begin = tfdgsu_floor_div(walk.x_offset, s->stride_w);
  const int32_t q_end = tfdgsu_floor_div(s->in_w - 1 + walk.x_offset, s->stride_w) + 1;
  const int32_t depth = walk.rows.most, reach = walk.columns.most - 1;
  // The whole image if it fits. Else parts near to squares, so that little is copied twice.
  Part part;
  part.width = (q_end - q_begin + kSide - 1) / kSide * kSide;
  part.height = p_end - p_begin;
  if (part.width + reach > kPositions / tfdgsu_min(part.height + depth - 1, s->out_h)) {
    part.width = tfdgsu_min(part.width, tfdgsu_min(kStrip, (kPositions / depth - reach) / kSide * kSide));
    part.height = kPositions / (part.width + reach) - depth + 1;
  }
  part.pitch = part.width + reach;
  for (part.b = 0; part.b < s->batches; ++part.b) {
    for (part.p = p_begin; part.p < p_end; part.p += part.height) {
      for (part.q = q_begin; part.q < q_end; part.q += part.width) {
        copy_part(&part, &walk);
        sum_part(&walk, &part);
      }
    }
  }
}
