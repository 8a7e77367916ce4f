// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. A sum of (x - zero point) * w is one of x * w less the zero point times
// a sum of weights, which is the same for all pixels away from the border.

#include "tfdgsu/kernels.h"
#include "variant.h"

#if TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_PORTABLE

#include "requantize.h"

enum { kTile = kTfdgsuTile };

// The part of the windows of one pixel that lies inside the image.
typedef struct {
  int32_t ky, ky_end, kx, kx_end;
} Taps;

// First and last tap inside [0, size) of a window that begins at `at`.
static int32_t first_tap(int32_t at) { return at < 0 ? -at : 0; }
static int32_t end_tap(int32_t at, int32_t filter, int32_t size) {
  return size - at < filter ? size - at : filter;
}

// sums[i] = -zero_point * (sum of the weights of all taps). At most 2^16 products of 8 and 8 bits.
static void start_sums(int32_t* sums, const int8_t* w, const Taps* taps,
                       const TfdgsuStageI8* stage, int32_t n) {
  const TfdgsuWindow* s = &stage->window;
  for (int32_t i = 0; i < kTile; ++i) sums[i] = 0;
  for (int32_t ky = taps->ky; ky < taps->ky_end; ++ky) {
    for (int32_t kx = taps->kx; kx < taps->kx_end; ++kx) {
      const int8_t* tap = w + (ky * s->filter_w + kx) * s->in_c;
      for (int32_t i = 0; i < n; ++i) sums[i] -= stage->x_zero_point * tap[i];
    }
  }
}

// sums[i] += x0[i]*w0[i] + x1[i]*w1[i]: two products of at most 128 * 127 fit in 16 bits; all sums
// of at most 2^16 products, with the start's, stay below 2^31.
static inline void add_two_taps(int32_t* sums, const int8_t* x0, const int8_t* x1,
                                const int8_t* w0, const int8_t* w1, int32_t n) {
  for (int32_t i = 0; i < n; ++i) sums[i] += (int16_t)(x0[i] * w0[i] + x1[i] * w1[i]);
}

static inline void add_tap(int32_t* sums, const int8_t* x, const int8_t* w, int32_t n) {
  for (int32_t i = 0; i < n; ++i) sums[i] += (int16_t)(x[i] * w[i]);
}

// One filter row: `taps` neighbouring pixels of the image, n of their c channels.
static inline void add_row(int32_t* sums, const int8_t* x, const int8_t* w, int32_t taps,
                           int32_t c, int32_t n) {
  int32_t k = 0;
  for (; k + 1 < taps; k += 2) {
    add_two_taps(sums, x + k * c, x + (k + 1) * c, w + k * c, w + (k + 1) * c, n);
  }
  if (k < taps) add_tap(sums, x + k * c, w + k * c, n);
}

// Channels [c, c + n) of row oy.
static inline void run_tile(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, int32_t c, int32_t n,
                            const TfdgsuStageI8* stage, const int8_t* addend,
                            const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const int32_t iy = oy * s->stride_h - s->pad_top;
  const int32_t first_slot = (iy + first_tap(iy)) % x->n_rows;
  Taps taps = {first_tap(iy), end_tap(iy, s->filter_h, s->in_h), -1, -1};
  TfdgsuScalings scalings;
  int32_t start[kTile] = {0}, sums[kTile];
  tfdgsu_load_scalings(&scalings, stage, c, n);
  for (int32_t ox = 0; ox < s->out_w; ++ox) {
    const int32_t ix = ox * s->stride_w - s->pad_left, at = ox * s->in_c + c;
    const int32_t kx = first_tap(ix), kx_end = end_tap(ix, s->filter_w, s->in_w);
    if (kx != taps.kx || kx_end != taps.kx_end) {
      taps.kx = kx;
      taps.kx_end = kx_end;
      start_sums(start, stage->w + c, &taps, stage, n);
    }
    for (int32_t i = 0; i < kTile; ++i) sums[i] = start[i];
    int32_t slot = first_slot;
    for (int32_t ky = taps.ky; ky < taps.ky_end; ++ky) {
      add_row(sums, x->data + (slot * s->in_w + ix + kx) * s->in_c + c,
              stage->w + (ky * s->filter_w + kx) * s->in_c + c, kx_end - kx, s->in_c, n);
      if (++slot == x->n_rows) slot = 0;
    }
    tfdgsu_requantize_tile(y + at, sums, n, &scalings, stage, add ? addend + at : NULL, add);
  }
}

void tfdgsu_depthwise_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy,
                                     const TfdgsuStageI8* stage, const int8_t* addend,
                                     const TfdgsuAddI8* add) {
  const int32_t channels = stage->window.in_c;
  int32_t c = 0;
  // With a constant number of channels the inner loops become vectors.
  for (; c + kTile <= channels; c += kTile) run_tile(y, x, oy, c, kTile, stage, addend, add);
  if (c < channels) run_tile(y, x, oy, c, channels - c, stage, addend, add);
}

#endif  // TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_PORTABLE
