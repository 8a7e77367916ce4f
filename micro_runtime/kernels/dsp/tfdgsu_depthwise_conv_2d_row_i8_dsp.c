// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Four channels at a time: words of image and filter become pairs of int16.

#include "../variant.h"
#include "tfdgsu/kernels.h"

#if TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_DSP

#include "scale_sum.h"
#include "simd32.h"

enum { kChannels = 4, kPixels = 8 };

typedef struct {
  int32_t a, b, c, d;  // of channels in order
} Sums;

// n <= 4 channels.
static inline uint32_t load(const int8_t* from, int32_t n) {
  return n == kChannels ? tfdgsu_load_word(from) : tfdgsu_load_tail(from, n);
}

// A sum has at most 2^16 products of 9 and 8 bits: below 2^31. Channels beyond the n-th have weights of 0.
__attribute__((always_inline)) static inline void add_tap(Sums* sums, const int8_t* x, const int8_t* w, int16x2_t less_zero_point, int32_t n) {
  const uint32_t pixel = load(x, n), weights = load(w, n);
  const int32_t even_x = tfdgsu_add_even_bytes(less_zero_point, pixel), even_w = tfdgsu_even_bytes(weights);
  sums->a = __smlabb(even_x, even_w, sums->a);
  sums->c = __smlatt(even_x, even_w, sums->c);
  const int32_t odd_x = tfdgsu_add_odd_bytes(less_zero_point, pixel), odd_w = tfdgsu_odd_bytes(weights);
  sums->b = __smlabb(odd_x, odd_w, sums->b);
  sums->d = __smlatt(odd_x, odd_w, sums->d);
}

// One filter row: `taps` neighbouring pixels of c channels.
__attribute__((always_inline)) static inline void add_row(Sums* sums, const int8_t* x, const int8_t* w, int32_t taps, int32_t c,
                           int16x2_t less_zero_point, int32_t n) {
  for (; taps >= 3; taps -= 3, x += 3 * c, w += 3 * c) {
    add_tap(sums, x, w, less_zero_point, n);
    add_tap(sums, x + c, w + c, less_zero_point, n);
    add_tap(sums, x + 2 * c, w + 2 * c, less_zero_point, n);
  }
  for (; taps > 0; --taps, x += c, w += c) add_tap(sums, x, w, less_zero_point, n);
}

// One row of results.
typedef struct {
  const TfdgsuRowsI8* x;
  const TfdgsuStageI8* stage;
  int32_t iy, ky, ky_end;  // first row of the windows, filter rows inside the image
} Row;

// Channels [c, c + n) of the window that begins at column ix.
__attribute__((always_inline)) static inline Sums add_window(const Row* row, int32_t ix, int32_t c, int32_t n) {
  const TfdgsuWindow* s = &row->stage->window;
  const int16x2_t less_zero_point = tfdgsu_pair_of(-row->stage->x_zero_point);
  const int32_t kx = ix < 0 ? -ix : 0, taps = (s->in_w - ix < s->filter_w ? s->in_w - ix : s->filter_w) - kx;
  Sums sums = {0, 0, 0, 0};
  int32_t slot = (row->iy + row->ky) % row->x->n_rows;
  for (int32_t ky = row->ky; ky < row->ky_end; ++ky) {
    add_row(&sums, row->x->data + (slot * s->in_w + ix + kx) * s->in_c + c,
            row->stage->w + (ky * s->filter_w + kx) * s->in_c + c, taps, s->in_c, less_zero_point, n);
    if (++slot == row->x->n_rows) slot = 0;
  }
  return sums;
}

__attribute__((always_inline)) static inline void run_channels(int8_t* y, const Row* row, int32_t c, int32_t n, const int8_t* addend,
                                const TfdgsuAddI8* add) {
  const TfdgsuStageI8* stage = row->stage;
  const TfdgsuWindow* s = &stage->window;
  int32_t sums[kChannels][kPixels];
  for (int32_t ox = 0; ox < s->out_w; ox += kPixels) {
    const int32_t pixels = s->out_w - ox < kPixels ? s->out_w - ox : kPixels;
    for (int32_t p = 0; p < pixels; ++p) {
      const Sums window = add_window(row, (ox + p) * s->stride_w - s->pad_left, c, n);
      sums[0][p] = window.a;
      sums[1][p] = window.b;
      sums[2][p] = window.c;
      sums[3][p] = window.d;
    }
    for (int32_t i = 0; i < n; ++i) {
      const int32_t at = ox * s->in_c + c + i, bias = stage->bias ? stage->bias[c + i] : 0;
      for (int32_t p = 0; p < pixels; ++p) sums[i][p] = (int32_t)((uint32_t)sums[i][p] + (uint32_t)bias);
      tfdgsu_finish(y + at, sums[i], pixels, stage, c + i, add ? addend + at : NULL, add);
    }
  }
}

void tfdgsu_depthwise_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, const TfdgsuStageI8* stage,
                                     const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const int32_t iy = oy * s->stride_h - s->pad_top, channels = s->in_c;
  const Row row = {x, stage, iy, iy < 0 ? -iy : 0, s->in_h - iy < s->filter_h ? s->in_h - iy : s->filter_h};
  int32_t c = 0;
  for (; c + kChannels <= channels; c += kChannels) run_channels(y, &row, c, kChannels, addend, add);
  if (c < channels) run_channels(y, &row, c, channels - c, addend, add);
}

#endif  // TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_DSP
