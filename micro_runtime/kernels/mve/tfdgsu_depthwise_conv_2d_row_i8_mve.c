// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. 16 channels at a time. A sum of (x - zero point) * w is one of x * w less the zero point
// times a sum of weights, which is the same for all pixels away from the border.

#include "../variant.h"
#include "tfdgsu/kernels.h"

#if TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_MVE

#include "../compiler.h"
#include "requantize_mve.h"

enum { kTile = kTfdgsuTile };

// Sums of the channels 0, 4, 8 and 12; 1, 5, 9 and 13; and so on. At most 2^16 products of 8 and 8 bits, with the start
// of 9 and 8: below 2^31.
typedef struct {
  int32x4_t a, b, c, d;
} Sums;

// Channels from c on of one row of results; iy: first row of the windows, ky: filter rows inside the image.
typedef struct {
  const TfdgsuRowsI8* x;
  const TfdgsuStageI8* stage;
  int32_t c, iy, ky, ky_end;
} Row;

TFDGSU_INLINE int8x16_t load(const int8_t* from, int32_t n) {
  return n == kTile ? vldrbq_s8(from) : vldrbq_z_s8(from, vctp8q((uint32_t)n));
}

TFDGSU_INLINE void add_products(Sums* sums, int16x8_t even, int16x8_t odd) {
  sums->a = vaddq_s32(sums->a, vmovlbq_s16(even));
  sums->b = vaddq_s32(sums->b, vmovlbq_s16(odd));
  sums->c = vaddq_s32(sums->c, vmovltq_s16(even));
  sums->d = vaddq_s32(sums->d, vmovltq_s16(odd));
}

// `taps` neighbouring pixels of the image, `step` apart, by weights that are c apart. Two products of at most 128 * 127
// fit in 16 bits.
TFDGSU_INLINE void add_taps(Sums* sums, const int8_t* x, int32_t step, const int8_t* w,
                            int32_t c, int32_t taps, int32_t n) {
  for (; taps >= 2; taps -= 2, x += 2 * step, w += 2 * c) {
    const int8x16_t x0 = load(x, n), w0 = load(w, n), x1 = load(x + step, n), w1 = load(w + c, n);
    add_products(sums, vaddq_s16(vmullbq_int_s8(x0, w0), vmullbq_int_s8(x1, w1)),
                 vaddq_s16(vmulltq_int_s8(x0, w0), vmulltq_int_s8(x1, w1)));
  }
  if (taps) {
    const int8x16_t x0 = load(x, n), w0 = load(w, n);
    add_products(sums, vmullbq_int_s8(x0, w0), vmulltq_int_s8(x0, w0));
  }
}

// bias - zero point * (sum of the weights of all taps inside the image).
TFDGSU_INLINE Sums start_of(const Row* row, const TfdgsuQuarters* quarters, int32_t kx,
                            int32_t taps, int32_t n) {
  static const int8_t kOnes[kTile] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const TfdgsuWindow* s = &row->stage->window;
  const int32_t less = -row->stage->x_zero_point;
  Sums sums = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
  for (int32_t ky = row->ky; ky < row->ky_end; ++ky) {
    add_taps(&sums, kOnes, 0, row->stage->w + (ky * s->filter_w + kx) * s->in_c + row->c, s->in_c, taps, n);
  }
  sums.a = vaddq_s32(vmulq_n_s32(sums.a, less), vldrwq_s32(quarters->bias));
  sums.b = vaddq_s32(vmulq_n_s32(sums.b, less), vldrwq_s32(quarters->bias + 4));
  sums.c = vaddq_s32(vmulq_n_s32(sums.c, less), vldrwq_s32(quarters->bias + 8));
  sums.d = vaddq_s32(vmulq_n_s32(sums.d, less), vldrwq_s32(quarters->bias + 12));
  return sums;
}

TFDGSU_INLINE void run_channels(int8_t* y, const Row* row, int32_t n,
                                const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &row->stage->window;
  const int32_t first_slot = (row->iy + row->ky) % row->x->n_rows;
  TfdgsuQuarters quarters;
  tfdgsu_load_quarters(&quarters, row->stage, row->c, n);
  Sums start = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
  int32_t start_kx = -1, start_taps = -1;
  for (int32_t ox = 0; ox < s->out_w; ++ox) {
    const int32_t ix = ox * s->stride_w - s->pad_left, at = ox * s->in_c + row->c, kx = ix < 0 ? -ix : 0;
    const int32_t taps = (s->in_w - ix < s->filter_w ? s->in_w - ix : s->filter_w) - kx;
    if (kx != start_kx || taps != start_taps) {
      start = start_of(row, &quarters, kx, taps, n);
      start_kx = kx;
      start_taps = taps;
    }
    Sums sums = start;
    int32_t slot = first_slot;
    for (int32_t ky = row->ky; ky < row->ky_end; ++ky) {
      add_taps(&sums, row->x->data + (slot * s->in_w + ix + kx) * s->in_c + row->c, s->in_c,
               row->stage->w + (ky * s->filter_w + kx) * s->in_c + row->c, s->in_c, taps, n);
      if (++slot == row->x->n_rows) slot = 0;
    }
    tfdgsu_finish_lanes(y + at, sums.a, sums.b, sums.c, sums.d, n, &quarters, row->stage, add ? addend + at : NULL,
                        add);
  }
}

void tfdgsu_depthwise_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, const TfdgsuStageI8* stage,
                                     const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const int32_t iy = oy * s->stride_h - s->pad_top, channels = s->in_c;
  const int32_t ky_end = s->in_h - iy < s->filter_h ? s->in_h - iy : s->filter_h;
  Row row = {x, stage, 0, iy, iy < 0 ? -iy : 0, ky_end};
  for (; row.c + kTile <= channels; row.c += kTile) run_channels(y, &row, kTile, addend, add);
  if (row.c < channels) run_channels(y, &row, channels - row.c, addend, add);
}

#endif  // TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_MVE
