// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. In a row of outputs, taps a stride apart read the same elements of x: tap kx at output
// ox that which tap kx + stride reads at ox - 1. Up to 5 such taps are summed at a time over a part of the image that
// is copied to lanes, x sorted by column modulo stride.

#include <stddef.h>
#include <string.h>

#include "compiler.h"
#include "correlate.h"
#include "min_max.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kPositions = 128, kOutputs = 64 };

// Outputs [oy, oy + height) by [ox, ox + width) of image b, and what the taps read there.
typedef struct {
  int32_t b, oy, ox, height, width;
  TfdgsuRange rows;       // of x
  int32_t phases, reach;  // columns of x are sorted into `phases` runs, of width + reach each
  int32_t pitch;          // from one row of x to the next
  TfdgsuLanes dy[kOutputs], x[kPositions];
} Part;

TFDGSU_APART void copy_dy(Part* part, const TfdgsuDepthwiseFilterTile* t, const TfdgsuWindow* s) {
  const int32_t c0 = t->columns[0], c1 = t->columns[1], c2 = t->columns[2], c3 = t->columns[3];
  const int32_t pitch = t->dy_pitch;
  // Whole rows follow one another.
  const int32_t lines = part->width == s->out_w ? 1 : part->height;
  const int32_t line = lines == 1 ? part->height * part->width : part->width;
  const float* at = t->dy + ((part->b * s->out_h + part->oy) * s->out_w + part->ox) * pitch;
  TfdgsuLanes* to = part->dy;
  for (int32_t i = 0; i < lines; ++i, at += s->out_w * pitch) {
    const float* row = at;
    for (int32_t left = line; left > 0; --left, ++to, row += pitch) {
      // Through general registers, whose loads take an index.
      memcpy(to->lane + 0, row + c0, sizeof(float));
      memcpy(to->lane + 1, row + c1, sizeof(float));
      memcpy(to->lane + 2, row + c2, sizeof(float));
      memcpy(to->lane + 3, row + c3, sizeof(float));
    }
  }
}

TFDGSU_INLINE void clear(TfdgsuLanes* to, int32_t n) {
  for (; n > 0; --n, ++to) {
    TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) to->lane[j] = 0.0f;
  }
}

// `count` positions.
TFDGSU_INLINE void copy_floats(TfdgsuLanes* to, const float* from, int32_t pitch, int32_t count) {
  for (; count > 0; --count, from += pitch, ++to) *to = *(const TfdgsuLanes*)from;
}

// n < 4 channels of each position.
TFDGSU_APART void copy_some_channels(TfdgsuLanes* to, const TfdgsuDepthwiseFilterTile* t, int32_t at, int32_t pitch,
                                     int32_t count) {
  for (; count > 0; --count, at += pitch, ++to) {
    for (int32_t j = 0; j < kTfdgsuLanes; ++j) {
      to->lane[j] = j >= t->n       ? 0.0f
                    : t->is_int8 ? (float)(((const int8_t*)t->x)[at + j] - t->zero_point)
                                 : ((const float*)t->x)[at + j];
    }
  }
}

TFDGSU_INLINE void convert_int8s(TfdgsuLanes* to, const int8_t* from, int32_t zero_point, int32_t pitch,
                                 int32_t count) {
  for (; count > 0; --count, from += pitch, ++to) {
    TFDGSU_UNROLL for (int j = 0; j < kTfdgsuLanes; ++j) to->lane[j] = (float)(from[j] - zero_point);
  }
}

// Columns of x from `x` on, a stride apart; those outside the image are 0.
TFDGSU_APART void copy_columns(Part* part, const TfdgsuDepthwiseFilterTile* t, const TfdgsuWindow* s, int32_t phase,
                               int32_t x) {
  const int32_t n = part->width + part->reach, stride = s->stride_w, pitch = stride * t->x_pitch;
  const int32_t begin = tfdgsu_min(x < 0 ? (stride - 1 - x) / stride : 0, n);
  const int32_t end = tfdgsu_max(begin, tfdgsu_min(tfdgsu_floor_div(s->in_w - x + stride - 1, stride), n));
  const int32_t row = s->in_w * t->x_pitch, to_pitch = part->pitch, zero_point = t->zero_point;
  int32_t at = ((part->b * s->in_h + part->rows.begin) * s->in_w + x + begin * stride) * t->x_pitch;
  TfdgsuLanes* to = part->x + phase * n;
  for (int32_t left = part->rows.end - part->rows.begin; left > 0; --left, to += to_pitch, at += row) {
    clear(to, begin);
    clear(to + end, n - end);
    if (t->n < kTfdgsuLanes) {
      copy_some_channels(to + begin, t, at, pitch, end - begin);
    } else if (t->is_int8) {
      convert_int8s(to + begin, (const int8_t*)t->x + at, zero_point, pitch, end - begin);
    } else {
      copy_floats(to + begin, (const float*)t->x + at, pitch, end - begin);
    }
  }
}

// sums[i*step] += those of tap i, of `width` taps.
TFDGSU_INLINE void add_taps(TfdgsuLanes* sums, int32_t step, const TfdgsuRows* of, int32_t lane, const int width,
                            const int n) {
  float own[5][kTfdgsuLanes];
  TFDGSU_UNROLL for (int i = 0; i < width; ++i) {
    TFDGSU_UNROLL for (int j = 0; j < n; ++j) own[i][j] = sums[i * step].lane[lane + j];
  }
  tfdgsu_correlate(own, of, lane, width, n);
  TFDGSU_UNROLL for (int i = 0; i < width; ++i) {
    TFDGSU_UNROLL for (int j = 0; j < n; ++j) sums[i * step].lane[lane + j] = own[i][j];
  }
}

// n taps a stride apart; b moves on by as many.
TFDGSU_APART int32_t add_some_taps(TfdgsuLanes* sums, int32_t step, const TfdgsuRows* of, int32_t n) {
  switch (n) {
    case 1: add_taps(sums, step, of, 0, 1, 4); return 1;
    case 2: add_taps(sums, step, of, 0, 2, 4); return 2;
    case 3: add_taps(sums, step, of, 0, 3, 4); return 3;
    case 5:
      for (int32_t lane = 0; lane < kTfdgsuLanes; lane += 2) add_taps(sums, step, of, lane, 5, 2);
      return 5;
    default: add_taps(sums, step, of, 0, 4, 4); return 4;
  }
}

static void add_row_of_taps(TfdgsuLanes* sums, const Part* part, const TfdgsuTaps* taps, const TfdgsuWindow* s,
                            int32_t ky) {
  const TfdgsuRange inside = tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top);
  const int32_t begin = tfdgsu_max(inside.begin, part->oy);
  TfdgsuRows of = {part->dy + (begin - part->oy) * part->width, NULL, part->width, s->stride_h * part->pitch,
                   tfdgsu_min(inside.end, part->oy + part->height) - begin, part->width};
  const int32_t y = begin * s->stride_h - s->pad_top + ky;
  if (of.rows <= 0) return;
  for (int32_t phase = 0; phase < part->phases; ++phase) {
    of.b = part->x + (y - part->rows.begin) * part->pitch + phase * (part->width + part->reach);
    int32_t left = (taps->columns - phase + s->stride_w - 1) / s->stride_w;
    for (TfdgsuLanes* to = sums + phase; left > 0;) {
      const int32_t n = add_some_taps(to, s->stride_w, &of, left);
      to += n * s->stride_w;
      of.b += n;
      left -= n;
    }
  }
}

// All taps of a filter of side x side, with strides of 1: one lane after the other, its sums in registers. `width`
// neighbouring outputs stay there, too, while they meet the columns of x. dy_at: the part's first output; y: the row of
// x that the first tap meets there.
TFDGSU_INLINE void add_square_taps(TfdgsuLanes* sums, const Part* part, const TfdgsuDepthwiseFilterTile* t,
                                   const float* dy_at, int32_t y, const int side, const int width) {
  const uint32_t n_rows = (uint32_t)(part->rows.end - part->rows.begin);
  const uintptr_t pitch = (uintptr_t)part->pitch * sizeof(TfdgsuLanes), step = (uintptr_t)width * sizeof(TfdgsuLanes);
  const uintptr_t next_row = pitch - (uintptr_t)part->width * sizeof(TfdgsuLanes);
  const int32_t line = part->width, dy_pitch = t->dy_pitch, begin = y - part->rows.begin;
  for (int32_t lane = 0; lane < kTfdgsuLanes; ++lane) {
    float *of = sums->lane + lane, own[5][5], factors[8];
    TFDGSU_UNROLL for (int ky = 0; ky < side; ++ky) {
      TFDGSU_UNROLL for (int kx = 0; kx < side; ++kx) own[ky][kx] = of[(ky * side + kx) * kTfdgsuLanes];
    }
    // As a number, since rows of x may not exist.
    uintptr_t at = (uintptr_t)(part->x->lane + lane) + (uintptr_t)begin * pitch;
    uint32_t row = (uint32_t)begin;
    int32_t left = line;
    const float* dy = dy_at + t->columns[lane];
    for (int32_t outputs = part->height * line; outputs > 0; outputs -= width) {
      TFDGSU_KEEP(at);
      TFDGSU_UNROLL for (int i = 0; i < width; ++i, dy += dy_pitch) {
        TFDGSU_KEEP(dy);
        factors[i] = *dy;
      }
      uintptr_t x = at;
      TFDGSU_UNROLL for (int ky = 0; ky < side; ++ky, x += pitch) {
        TFDGSU_KEEP(x);
        if (row + (uint32_t)ky >= n_rows) continue;
        TFDGSU_UNROLL for (int k = 0; k < width + side - 1; ++k) {
          TFDGSU_IN_ORDER;
          const float column = ((const float*)x)[k * kTfdgsuLanes];
          TFDGSU_UNROLL for (int kx = side - 1; kx >= 0; --kx) {
            const int i = k - kx;
            if (i >= 0 && i < width) own[ky][kx] = tfdgsu_multiply_add(factors[i], column, own[ky][kx]);
          }
        }
      }
      at += step;
      left -= width;
      if (left == 0) left = line, at += next_row, ++row;
    }
    TFDGSU_UNROLL for (int ky = 0; ky < side; ++ky) {
      TFDGSU_UNROLL for (int kx = 0; kx < side; ++kx) of[(ky * side + kx) * kTfdgsuLanes] = own[ky][kx];
    }
  }
}

TFDGSU_APART void add_3x3_taps_by_8(TfdgsuLanes* sums, const Part* part, const TfdgsuDepthwiseFilterTile* t,
                                    const float* dy, int32_t y) {
  add_square_taps(sums, part, t, dy, y, 3, 8);
}
TFDGSU_APART void add_3x3_taps_by_4(TfdgsuLanes* sums, const Part* part, const TfdgsuDepthwiseFilterTile* t,
                                    const float* dy, int32_t y) {
  add_square_taps(sums, part, t, dy, y, 3, 4);
}
TFDGSU_APART void add_5x5_taps_by_4(TfdgsuLanes* sums, const Part* part, const TfdgsuDepthwiseFilterTile* t,
                                    const float* dy, int32_t y) {
  add_square_taps(sums, part, t, dy, y, 5, 4);
}

// Whether there is a loop of its own for taps like these, and they were added.
static int add_squares(TfdgsuLanes* sums, const Part* part, const TfdgsuDepthwiseFilterTile* t, const TfdgsuTaps* taps,
                       const TfdgsuWindow* s, int32_t y) {
  const int32_t side = taps->columns, width = part->width;
  if (!kTfdgsuHasSpecialLoops || s->stride_h != 1 || s->stride_w != 1 || taps->rows != side || width % 4 != 0) return 0;
  // The outputs of a part follow one another.
  const float* dy = t->dy + ((part->b * s->out_h + part->oy) * s->out_w + part->ox) * t->dy_pitch;
  if (side == 3 && width % 8 == 0) {
    add_3x3_taps_by_8(sums, part, t, dy, y);
  } else if (side == 3) {
    add_3x3_taps_by_4(sums, part, t, dy, y);
  } else if (side == 5) {
    add_5x5_taps_by_4(sums, part, t, dy, y);
  } else {
    return 0;
  }
  return 1;
}

static void add_part(TfdgsuLanes* sums, Part* part, const TfdgsuDepthwiseFilterTile* t, const TfdgsuTaps* taps,
                     const TfdgsuWindow* s) {
  const int32_t y = part->oy * s->stride_h - s->pad_top + taps->ky;
  part->rows.begin = tfdgsu_max(y, 0);
  part->rows.end = tfdgsu_min(y + (part->height - 1) * s->stride_h + taps->rows, s->in_h);
  if (part->rows.end <= part->rows.begin) return;
  for (int32_t phase = 0; phase < part->phases; ++phase) {
    copy_columns(part, t, s, phase, part->ox * s->stride_w - s->pad_left + taps->kx + phase);
  }
  if (add_squares(sums, part, t, taps, s, y)) return;
  copy_dy(part, t, s);
  for (int32_t row = 0; row < taps->rows; ++row) {
    add_row_of_taps(sums + row * taps->columns, part, taps, s, taps->ky + row);
  }
}

void tfdgsu_depthwise_filter_tile_f32(TfdgsuLanes* sums, const TfdgsuDepthwiseFilterTile* tile,
                                      const TfdgsuTaps* taps, const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const TfdgsuLanes zero = {{0.0f}};
  for (int32_t i = 0; i < taps->rows * taps->columns; ++i) sums[i] = zero;
  Part part;
  part.phases = tfdgsu_min(s->stride_w, taps->columns);
  part.reach = (taps->columns - 1) / s->stride_w;
  // Several rows of outputs only if they are whole: each sum takes its terms row by row.
  const int32_t columns = kPositions / (taps->rows * part.phases) - part.reach;
  const int32_t most = tfdgsu_min(tfdgsu_min(columns, kOutputs), s->out_w);
  int32_t height = 1;
  part.pitch = part.phases * (most + part.reach);
  if (most == s->out_w) {
    const int32_t rows = kPositions / part.pitch;
    height = rows >= s->in_h ? s->out_h : (rows - taps->rows) / s->stride_h + 1;
    height = tfdgsu_min(tfdgsu_min(height, kOutputs / most), s->out_h);
  }
  for (part.b = 0; part.b < s->batches; ++part.b) {
    for (part.oy = 0; part.oy < s->out_h; part.oy += height) {
      part.height = tfdgsu_min(height, s->out_h - part.oy);
      for (part.ox = 0; part.ox < s->out_w; part.ox += most) {
        part.width = tfdgsu_min(most, s->out_w - part.ox);
        add_part(sums, &part, tile, taps, s);
      }
    }
  }
}
