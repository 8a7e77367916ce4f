// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Four channels of some neighbouring pixels at a time. Two rows of the image and of the
// filter are widened to pairs of int16, with the zero point subtracted and zeros for the border; then one channel after
// the other meets its weights, four pixels in registers, two products an instruction.

#include "../variant.h"
#include "tfdgsu/kernels.h"

#if TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_DSP

#include "../compiler.h"
#include "../min_max.h"
#include "scale_sum.h"
#include "simd32.h"

enum { kChannels = 4, kSide = 4, kPixels = 8, kMaxPairs = 3, kMaxTaps = 8, kColumns = 24 };

// What is worked on: filter rows [ky, ky + rows) and columns [kx, kx + taps), some pixels of a row of results, channels
// [c, c + n).
typedef struct {
  const TfdgsuRowsI8* image;
  const TfdgsuStageI8* stage;
  int32_t iy;  // the windows' first row
  int32_t ky, rows, kx, taps;
  int32_t is_first;  // whether the part of the filter is its first one
  int32_t ox, pixels, stride;
  int32_t c, n;
  int32_t bias[kChannels];
  int32_t sums[kChannels][kPixels];
  // Lower halves are of a row, upper halves of the row below.
  int16x2_t x[kMaxPairs][kChannels][kColumns];
  int16x2_t w[kChannels][kMaxPairs * kMaxTaps];
} Tile;

// n <= 4 channels.
static inline uint32_t load(const int8_t* from, int32_t n) {
  return n == kChannels ? tfdgsu_load_word(from) : tfdgsu_load_tail(from, n);
}

// Two neighbours; `from` moves on. In assembly, since compilers load them apart, and too early.
static inline const int16x2_t* load_two(int16x2_t* a, int16x2_t* b, const int16x2_t* from) {
  __asm__ volatile("ldrd %0, %1, [%2], #8" : "=&r"(*a), "=&r"(*b), "+r"(from) : : "memory");
  return from;
}

// Has only those addresses that strd takes.
typedef uint64_t __attribute__((may_alias, aligned(4))) Two;

static inline void store_two(int16x2_t* to, int16x2_t a, int16x2_t b) {
  __asm__("strd %1, %2, %0" : "=m"(*(Two*)to) : "r"(a), "r"(b));
}

// Channels of two rows: out[i*step] has channel i of `low` and of `high`, each with a number added.
static inline void widen_two(int16x2_t* out, int32_t step, uint32_t low, uint32_t high, int16x2_t less_zero_point) {
  const uint32_t first = tfdgsu_low_halves(low, high), last = tfdgsu_high_halves(low, high);
  out[0] = tfdgsu_add_even_bytes(less_zero_point, first);
  out[step] = tfdgsu_add_odd_bytes(less_zero_point, first);
  out[2 * step] = tfdgsu_add_even_bytes(less_zero_point, last);
  out[3 * step] = tfdgsu_add_odd_bytes(less_zero_point, last);
}

// Columns of two rows, of which `high` is so far behind `low`.
TFDGSU_INLINE void widen_run(int16x2_t* out, const int8_t* low, int32_t high, int32_t count, int32_t c, int32_t n,
                             int16x2_t less_zero_point) {
  const int16x2_t* const end = out + count;
  if (n == kChannels && kTfdgsuHasSpecialLoops) {
    for (const int16x2_t* const last = end - 1; out < last; out += 2, low += c) {
      int16x2_t first[kChannels], second[kChannels];
      widen_two(first, 1, load(low, n), load(low + high, n), less_zero_point);
      low += c;
      widen_two(second, 1, load(low, n), load(low + high, n), less_zero_point);
      _Pragma("GCC unroll 4") for (int i = 0; i < kChannels; ++i) store_two(out + i * kColumns, first[i], second[i]);
    }
  }
  for (; out != end; ++out, low += c) {
    widen_two(out, kColumns, load(low, n), load(low + high, n), less_zero_point);
  }
}

static void clear(int16x2_t* out, int32_t count) {
  for (; count > 0; --count, ++out) {
    out[0] = out[kColumns] = out[2 * kColumns] = out[3 * kColumns] = 0;
    __asm__ volatile("" ::: "memory");  // Else compilers call memset four times.
  }
}

// The columns of the image that the pixels need, and those up to a multiple of 4 pixels.
TFDGSU_APART void widen_image(Tile* tile) {
  const TfdgsuWindow* s = &tile->stage->window;
  const int32_t in_w = s->in_w, c = s->in_c, pitch = in_w * c, n_rows = tile->image->n_rows, n = tile->n;
  const int32_t ix = tile->ox * s->stride_w - s->pad_left + tile->kx;
  const int32_t count = ((tile->pixels - 1) / kSide * kSide + kSide - 1) * tile->stride + tile->taps;
  const int32_t begin = ix >= 0 ? 0 : tfdgsu_min(-ix, count), end = tfdgsu_max(begin, tfdgsu_min(in_w - ix, count));
  const int16x2_t less_zero_point = tfdgsu_pair_of(-tile->stage->x_zero_point);
  int16x2_t* out = tile->x[0][0];
  int32_t slot = (tile->iy + tile->ky) % n_rows;
  for (int32_t left = tile->rows; left > 0; left -= 2, out += kChannels * kColumns) {
    const int32_t next = slot + 1 == n_rows ? 0 : slot + 1;
    // Behind the last row any other will do: its weights are 0.
    const int8_t* low = tile->image->data + (begin < end ? slot * pitch + (ix + begin) * c + tile->c : 0);
    const int32_t high = (next - slot) * pitch;
    clear(out, begin);
    clear(out + end, count - end);
    if (n == kChannels) {
      widen_run(out + begin, low, high, end - begin, c, kChannels, less_zero_point);
    } else {
      widen_run(out + begin, low, high, end - begin, c, n, less_zero_point);
    }
    slot = next + 1 == n_rows ? 0 : next + 1;
  }
}

TFDGSU_INLINE void widen_taps(Tile* tile, const int8_t* w, int32_t c, int32_t n) {
  const int32_t pitch = tile->stage->window.filter_w * c, taps = tile->taps;
  int16x2_t* out = tile->w[0];
  for (int32_t left = tile->rows; left > 0; left -= 2, w += 2 * pitch - taps * c, out += taps & 1) {
    for (int32_t tap = taps; tap > 0; --tap, ++out, w += c) {
      widen_two(out, kMaxPairs * kMaxTaps, load(w, n), left > 1 ? load(w + pitch, n) : 0, 0);
    }
  }
}

// Rows of taps begin at even places, so that they can be read by twos.
TFDGSU_APART void widen_weights(Tile* tile) {
  const TfdgsuWindow* s = &tile->stage->window;
  const int8_t* w = tile->stage->w + (tile->ky * s->filter_w + tile->kx) * s->in_c + tile->c;
  if (tile->n == kChannels) {
    widen_taps(tile, w, s->in_c, kChannels);
  } else {
    widen_taps(tile, w, s->in_c, tile->n);
  }
}

// Sums of a channel: all taps, for 4 pixels `stride` columns apart. A sum has at most 2^16 products of 9 and 8 bits:
// below 2^31; with the bias it wraps.
TFDGSU_APART void add_taps(Tile* tile) {
  const int32_t taps = tile->taps, odd = taps & 1, stride = tile->stride;
  for (int32_t i = 0; i < kChannels; ++i) {
    for (int32_t p = 0; p < tile->pixels; p += kSide) {
      int32_t* sums = tile->sums[i] + p;
      int32_t a = tile->bias[i], b = a, c = a, d = a;
      if (!tile->is_first) a = sums[0], b = sums[1], c = sums[2], d = sums[3];
      const int16x2_t *w = tile->w[i], *x = tile->x[0][i] + p * stride;
      for (int32_t left = tile->rows; left > 0; left -= 2, w += odd, x += kChannels * kColumns - taps) {
        for (const int16x2_t* const end = w + taps; w != end; ++x) {
          const int16x2_t weight = *w++;
          a = __smlad(x[0], weight, a);
          b = __smlad(x[stride], weight, b);
          c = __smlad(x[2 * stride], weight, c);
          d = __smlad(x[3 * stride], weight, d);
        }
      }
      sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
    }
  }
}

// The same with constant taps and stride, as a filter's only part. A column meets all pixels that need it.
TFDGSU_INLINE void add_fixed_taps(Tile* tile, const int taps, const int stride) {
  const int columns = taps + 3 * stride;
  const int32_t next_x = kChannels * kColumns - ((columns + 1) & ~1), rows = tile->rows;
  for (int32_t p = 0; p < tile->pixels; p += kSide) {
    const int16x2_t *first_w = tile->w[0], *first_x = tile->x[0][0] + p * stride;
    int32_t* sums = tile->sums[0] + p;
    const int32_t* const end = sums + kChannels * kPixels;
    for (const int32_t* bias = tile->bias; sums != end; sums += kPixels) {
      const int16x2_t *w = first_w, *x = first_x;
      int32_t a = *bias++, b = a, c = a, d = a;
      first_w += kMaxPairs * kMaxTaps, first_x += kColumns;
      for (int32_t left = rows; left > 0; left -= 2, x += next_x) {
        int16x2_t own[10], column[2];
        _Pragma("GCC unroll 16") for (int k = 0; k < columns; ++k) {
          if (k % 2 == 0 && k + 1 < taps) w = load_two(&own[k], &own[k + 1], w);
          if (k % 2 == 0 && k + 1 == taps) own[k] = *w, w += 2;
          if (k % 2 == 0) x = load_two(&column[0], &column[1], x);
          if (k < taps) a = __smlad(column[k % 2], own[k], a);
          if (k >= stride && k < stride + taps) b = __smlad(column[k % 2], own[k - stride], b);
          if (k >= 2 * stride && k < 2 * stride + taps) c = __smlad(column[k % 2], own[k - 2 * stride], c);
          if (k >= 3 * stride) d = __smlad(column[k % 2], own[k - 3 * stride], d);
        }
      }
      sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
    }
  }
}

TFDGSU_APART void add_3_taps_by_1(Tile* tile) { add_fixed_taps(tile, 3, 1); }
TFDGSU_APART void add_3_taps_by_2(Tile* tile) { add_fixed_taps(tile, 3, 2); }
TFDGSU_APART void add_5_taps_by_1(Tile* tile) { add_fixed_taps(tile, 5, 1); }

typedef void (*AddPart)(Tile*);

static AddPart choose(const Tile* tile, int has_one_part) {
  const TfdgsuWindow* s = &tile->stage->window;
  if (!kTfdgsuHasSpecialLoops || !has_one_part) return add_taps;
  if (s->filter_w == 3 && tile->stride == 1) return add_3_taps_by_1;
  if (s->filter_w == 3 && tile->stride == 2) return add_3_taps_by_2;
  if (s->filter_w == 5 && tile->stride == 1) return add_5_taps_by_1;
  return add_taps;
}

// Four pixels of a channel at a time, cut to int8 and no further, for shifts of -2 and less.
TFDGSU_APART void saturate(int8_t* y, const Tile* tile, const int32_t* multiplier, const int32_t* shift) {
  const int32_t out_c = tile->stage->window.out_c, move = 2 * tile->stage->zero_point + 1, pixels = tile->pixels;
  const int32_t* first = tile->sums[0];
  for (int32_t left = kChannels; left > 0; --left, first += kPixels) {
    const int32_t own = *multiplier++, less_two = -*shift++ - 2;
    const int32_t *sum = first, *const end = first + pixels;
    for (int8_t* to = y++; sum != end; sum += kSide) {
      *to = tfdgsu_saturate_half(tfdgsu_twice_scaled(sum[0], own, less_two, move)), to += out_c;
      *to = tfdgsu_saturate_half(tfdgsu_twice_scaled(sum[1], own, less_two, move)), to += out_c;
      *to = tfdgsu_saturate_half(tfdgsu_twice_scaled(sum[2], own, less_two, move)), to += out_c;
      *to = tfdgsu_saturate_half(tfdgsu_twice_scaled(sum[3], own, less_two, move)), to += out_c;
    }
  }
}

TFDGSU_APART void finish(int8_t* y, const Tile* tile, const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuStageI8* stage = tile->stage;
  const int32_t first = tile->ox * stage->window.out_c + tile->c, n = tile->n, *shift = stage->shift + tile->c;
  if (kTfdgsuHasSpecialLoops && !add && n == kChannels && tile->pixels % kSide == 0 && stage->min == INT8_MIN &&
      stage->max == INT8_MAX && tfdgsu_max(tfdgsu_max(shift[0], shift[1]), tfdgsu_max(shift[2], shift[3])) <= -2) {
    saturate(y + first, tile, stage->multiplier + tile->c, shift);
    return;
  }
  for (int32_t i = 0, at = first; i < n; ++i, ++at) {
    tfdgsu_finish(y + at, tile->sums[i], tile->pixels, stage, tile->c + i, add ? addend + at : NULL, add);
  }
}

void tfdgsu_depthwise_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, const TfdgsuStageI8* stage,
                                     const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  // As many pixels as their columns have room for. One alone goes through all four places.
  const int32_t room = (kColumns - tfdgsu_min(s->filter_w, kMaxTaps)) / s->stride_w + 1;
  const int32_t most = room >= kPixels ? kPixels : room >= kSide ? kSide : 1;
  Tile tile;
  tile.image = x, tile.stage = stage, tile.iy = oy * s->stride_h - s->pad_top, tile.stride = most > 1 ? s->stride_w : 0;
  const int32_t first_ky = tile.iy < 0 ? -tile.iy : 0, end_ky = tfdgsu_min(s->in_h - tile.iy, s->filter_h);
  const int has_one_part = end_ky - first_ky <= 2 * kMaxPairs && s->filter_w <= kMaxTaps;
  const AddPart add_part = choose(&tile, has_one_part);
  for (int32_t i = 0; i < kChannels; ++i) tile.bias[i] = 0;
  for (tile.c = 0; tile.c < s->in_c; tile.c += kChannels) {
    tile.n = tfdgsu_min(s->in_c - tile.c, kChannels);
    for (int32_t i = 0; i < tile.n && stage->bias; ++i) tile.bias[i] = stage->bias[tile.c + i];
    for (tile.ox = 0; tile.ox < s->out_w; tile.ox += most) {
      tile.pixels = tfdgsu_min(s->out_w - tile.ox, most);
      tile.is_first = 1;
      for (tile.ky = first_ky; tile.ky < end_ky; tile.ky += tile.rows) {
        tile.rows = tfdgsu_min(end_ky - tile.ky, 2 * kMaxPairs);
        for (tile.kx = 0; tile.kx < s->filter_w; tile.kx += tile.taps, tile.is_first = 0) {
          tile.taps = tfdgsu_min(s->filter_w - tile.kx, kMaxTaps);
          if (tile.ox == 0 || !has_one_part) widen_weights(&tile);
          widen_image(&tile);
          add_part(&tile);
        }
      }
      finish(y, &tile, addend, add);
    }
  }
}

#endif  // TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_DSP
