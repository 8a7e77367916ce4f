// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Image positions a stride apart are read by the same taps, at outputs that follow one
// another: x = q*stride - offset + phase, where tap kx = phase + stride*j meets output q - j. Four such positions are
// summed at a time, from a copy of a part of dy that lies in lanes, its rows reversed so that q - j ascends with j.

#include <stddef.h>

#include "correlate.h"
#include "epilogue.h"
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
  int32_t is_first, is_last;  // whether the taps are the filter's first ones, its last ones
  int32_t is_plain;           // whether sums are stored as they are, for all lanes
} Walk;

// The part of dy that is copied: for quotients [q, q + width) and [p, p + height) of x and y.
typedef struct {
  int32_t b, q, width, p, height;
  TfdgsuRange rows;  // of dy
  int32_t pitch;
  TfdgsuLanes lanes[kPositions];
} Part;

static int32_t min_i32(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t max_i32(int32_t a, int32_t b) { return a > b ? a : b; }

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

// `count` positions of n channels, from the last one to the first.
TFDGSU_INLINE void copy_positions(TfdgsuLanes* to, const float* from, int32_t pitch, int32_t count, int32_t n) {
  for (; count > 0; --count, from -= pitch, ++to) {
    if (n == kTfdgsuLanes) {
      *to = *(const TfdgsuLanes*)from;
    } else {
      for (int32_t j = 0; j < kTfdgsuLanes; ++j) to->lane[j] = j < n ? from[j] : 0.0f;
    }
  }
}

TFDGSU_APART void copy_part(Part* part, const Walk* walk) {
  const TfdgsuDepthwiseInputTile* t = walk->tile;
  const TfdgsuWindow* s = walk->s;
  const int32_t last = part->q + part->width - 1;  // the output in the first place
  const int32_t begin = min_i32(max_i32(last - s->out_w + 1, 0), part->pitch);
  const int32_t end = min_i32(max_i32(last + 1, begin), part->pitch);
  const int32_t n = t->n, pitch = t->dy_pitch, row = s->out_w * pitch, to_pitch = part->pitch;
  part->rows.begin = max_i32(part->p - walk->rows.most + 1, 0);
  part->rows.end = min_i32(part->p + part->height, s->out_h);
  const float* from = t->dy + ((part->b * s->out_h + part->rows.begin) * s->out_w + last - begin) * pitch;
  TfdgsuLanes* to = part->lanes;
  for (int32_t left = part->rows.end - part->rows.begin; left > 0; --left, to += to_pitch, from += row) {
    clear(to, begin);
    clear(to + end, to_pitch - end);
    copy_positions(to + begin, from, pitch, end - begin, n);
  }
}

// Four positions of a row of the images, a stride apart; the last one is x, and `at` its number among all positions.
typedef struct {
  int32_t x, at;
} Place;

static void load_sums(float sums[kSide][kTfdgsuLanes], const Walk* walk, Place place) {
  const TfdgsuDepthwiseInputTile* t = walk->tile;
  for (int32_t i = 0; i < kSide; ++i, place.x -= walk->s->stride_w, place.at -= walk->s->stride_w) {
    if (place.x < 0 || place.x >= walk->s->in_w) continue;
    for (int32_t j = 0; j < t->n; ++j) sums[i][j] = t->dx[place.at * t->dx_pitch + j];
  }
}

// Those inside the image, with the epilogue.
TFDGSU_APART void store_sums(float sums[kSide][kTfdgsuLanes], const Walk* walk, Place place) {
  const TfdgsuDepthwiseInputTile* t = walk->tile;
  const TfdgsuEpilogue none = {NULL, NULL, 0.0f}, *end = walk->is_last ? walk->epilogue : &none;
  for (int32_t i = 0; i < kSide; ++i, place.x -= walk->s->stride_w, place.at -= walk->s->stride_w) {
    if (place.x < 0 || place.x >= walk->s->in_w) continue;
    tfdgsu_finish_sums(sums[i], place.at * walk->s->in_c + t->first, t->n, end);
    for (int32_t j = 0; j < t->n; ++j) t->dx[place.at * t->dx_pitch + j] = sums[i][j];
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
  } else {
    TFDGSU_UNROLL for (int i = 0; i < kSide; ++i) {
      TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) kept[i][j] = sums[i][j];
    }
    store_sums(kept, walk, place);
  }
}

// Four columns a stride apart, of which x is the last one, in the rows that the part serves. `first` has the first
// of their taps and what the part has of row 0 of dy.
TFDGSU_APART void sum_columns(const Walk* walk, const Part* part, const TfdgsuRows* first, int32_t x) {
  const TfdgsuWindow* s = walk->s;
  const int is_plain = walk->is_plain && x < s->in_w && x >= (kSide - 1) * s->stride_w;
  const int32_t stride = s->stride_h, columns = walk->taps->columns;
  const int32_t end = min_i32((part->p + part->height) * stride - walk->y_offset, s->in_h);
  // Row y = p*stride - offset + phase. Output p - m is met by tap phase + stride*m.
  int32_t p = part->p, y = p * stride - walk->y_offset, phase = 0;
  if (y < 0) phase = -y, y = 0;
  TfdgsuRows of = *first;
  Place place = {x, (part->b * s->in_h + y) * s->in_w + x};
  for (; y < end; ++y, place.at += s->in_w) {
    const int32_t begin = max_i32(p - s->out_h + 1, 0);
    of.rows = min_i32(p + 1, taps_of_phase(walk->rows, phase)) - begin;
    of.a = first->a + (phase + stride * begin) * columns;
    of.b = first->b - (p - begin) * of.b_row;
    if (of.steps == 0) of.rows = 0;
    sum_place(walk, &of, place, is_plain);
    if (++phase == stride) phase = 0, ++p;
  }
}

static void sum_part(const Walk* walk, const Part* part) {
  const int32_t stride = walk->s->stride_w, offset = walk->x_offset;
  TfdgsuRows of = {walk->tile->w, NULL, walk->s->stride_h * walk->taps->columns, -part->pitch, 0, 0};
  for (int32_t phase = 0; phase < stride; ++phase, of.a += of.steps) {
    of.steps = taps_of_phase(walk->columns, phase);
    of.b = part->lanes - part->rows.begin * part->pitch + part->width;
    for (int32_t i = kSide - 1; i < part->width; i += kSide) {
      of.b -= kSide;
      sum_columns(walk, part, &of, (part->q + i) * stride - offset + phase);
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
  walk.is_last = taps->ky + taps->rows == s->filter_h && taps->kx + taps->columns == s->filter_w;
  walk.is_plain = tile->n == kTfdgsuLanes && !(walk.is_last && (epilogue->addend || epilogue->bits));
  const int32_t p_begin = tfdgsu_floor_div(walk.y_offset, s->stride_h);
  const int32_t p_end = tfdgsu_floor_div(s->in_h - 1 + walk.y_offset, s->stride_h) + 1;
  const int32_t q_begin = tfdgsu_floor_div(walk.x_offset, s->stride_w);
  const int32_t q_end = tfdgsu_floor_div(s->in_w - 1 + walk.x_offset, s->stride_w) + 1;
  const int32_t depth = walk.rows.most, reach = walk.columns.most - 1;
  // The whole image if it fits. Else parts near to squares, so that little is copied twice.
  Part part;
  part.width = (q_end - q_begin + kSide - 1) / kSide * kSide;
  part.height = p_end - p_begin;
  if (part.width + reach > kPositions / min_i32(part.height + depth - 1, s->out_h)) {
    part.width = min_i32(part.width, min_i32(kStrip, (kPositions / depth - reach) / kSide * kSide));
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
