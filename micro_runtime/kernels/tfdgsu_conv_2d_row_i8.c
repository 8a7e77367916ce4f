// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Parts of the windows of some pixels and of some filters are laid out
// as int16, with the zero point subtracted, so that sums are dot products of int16 which compilers
// know how to make pairs of.

#include "tfdgsu/kernels.h"
#include "variant.h"

#if TFDGSU_CONV_2D_ROW_I8 == TFDGSU_IS_PORTABLE

#include "conv_2d_window.h"
#include "requantize.h"

enum { kPixels = 8, kGroup = 4, kBlock = 32, kTile = kTfdgsuTile, kVector = 8 };

typedef struct {
  int16_t x[kPixels][kBlock];
  int16_t w[kTile][kBlock];
  int32_t sums[kPixels][kTile];
} Tiles;

// out[i] = row[at + i] - zero point, 0 where at + i is outside of [0, size).
static void widen(int16_t* out, const int8_t* row, int32_t at, int32_t n, int32_t size,
                  int32_t zero_point) {
  int32_t begin = at < 0 ? -at : 0, end = size - at < n ? size - at : n;
  if (!row || begin >= end) begin = end = 0;
  for (int32_t i = 0; i < begin; ++i) out[i] = 0;
  for (int32_t i = begin; i < end; ++i) out[i] = (int16_t)(row[at + i] - zero_point);
  for (int32_t i = end; i < n; ++i) out[i] = 0;
}

// Elements [first, first + n) of the window that begins at column ix.
static void lay_out_window(int16_t* out, const TfdgsuSource* source, int32_t ix, int32_t first,
                           int32_t n) {
  const TfdgsuStageI8* stage = source->stage;
  const TfdgsuWindow* s = &stage->window;
  const int32_t row_size = s->filter_w * s->in_c;
  int32_t ky = first / row_size, at = first % row_size;
  while (n > 0) {
    const int32_t count = row_size - at < n ? row_size - at : n;
    widen(out, tfdgsu_row_at(source, ky), ix * s->in_c + at, count, s->in_w * s->in_c,
          stage->x_zero_point);
    out += count;
    n -= count;
    ++ky;
    at = 0;
  }
}

// The same of an overlay's window, which has its channels only.
static void lay_out_overlay(int16_t* out, const TfdgsuSource* source, int32_t ix, int32_t first,
                            int32_t n) {
  const TfdgsuWindow* s = &source->stage->window;
  for (int32_t i = 0; i < n; ++i) {
    const int32_t tap = (first + i) / source->n_channels;
    const int32_t column = ix + tap % s->filter_w;
    const int32_t channel = source->channels[(first + i) % source->n_channels];
    const int8_t* row = tfdgsu_row_at(source, tap / s->filter_w);
    const int is_inside = row && column >= 0 && column < s->in_w;
    out[i] = (int16_t)(is_inside ? row[column * s->in_c + channel] - source->stage->x_zero_point
                                 : 0);
  }
}

// Dot products of the windows of kGroup pixels with two filters. A block has at most kBlock products
// of 9 and 8 bits; all blocks together at most 2^16: below 2^31. n is a multiple of kVector.
static void add_dots(int32_t (*sums)[kTile], const int16_t (*x)[kBlock], const int16_t (*w)[kBlock],
                     int32_t n) {
  const int16_t *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *w0 = w[0], *w1 = w[1];
  int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
  for (int32_t i = 0; i < n; ++i) {
    a0 += x0[i] * w0[i];
    a1 += x1[i] * w0[i];
    a2 += x2[i] * w0[i];
    a3 += x3[i] * w0[i];
    b0 += x0[i] * w1[i];
    b1 += x1[i] * w1[i];
    b2 += x2[i] * w1[i];
    b3 += x3[i] * w1[i];
  }
  sums[0][0] += a0;
  sums[1][0] += a1;
  sums[2][0] += a2;
  sums[3][0] += a3;
  sums[0][1] += b0;
  sums[1][1] += b1;
  sums[2][1] += b2;
  sums[3][1] += b3;
}

// Filters [o, o + count), elements [first, first + n), with zeros up to `padded`.
static void lay_out_filters(Tiles* tiles, const TfdgsuSource* source, int32_t o, int32_t count,
                            int32_t first, int32_t n, int32_t padded) {
  for (int32_t i = 0; i < count; ++i) {
    widen(tiles->w[i], source->w + (o + i) * source->n, first, n, source->n, 0);
    for (int32_t k = n; k < padded; ++k) tiles->w[i][k] = 0;
  }
}

// Adds one block of elements to the sums of `pixels` pixels from column ox on and `count` filters.
static void add_block(Tiles* tiles, const TfdgsuSource* source, int32_t ox, int32_t pixels,
                      int32_t count, int32_t first, int32_t n, int32_t padded) {
  const TfdgsuWindow* s = &source->stage->window;
  for (int32_t p = 0; p < pixels; ++p) {
    const int32_t ix = (ox + p) * s->stride_w - s->pad_left;
    if (source->channels) {
      lay_out_overlay(tiles->x[p], source, ix, first, n);
    } else {
      lay_out_window(tiles->x[p], source, ix, first, n);
    }
    for (int32_t k = n; k < padded; ++k) tiles->x[p][k] = 0;
  }
  for (int32_t p = 0; p < pixels; p += kGroup) {
    for (int32_t i = 0; i < count; i += 2) {
      add_dots((int32_t(*)[kTile]) & tiles->sums[p][i], (const int16_t(*)[kBlock])tiles->x[p],
               (const int16_t(*)[kBlock])tiles->w[i], padded);
    }
  }
}

static void add_source(Tiles* tiles, const TfdgsuSource* source, int32_t is_only, int32_t o,
                       int32_t count, int32_t ox, int32_t pixels) {
  for (int32_t first = 0; first < source->n; first += kBlock) {
    const int32_t n = source->n - first < kBlock ? source->n - first : kBlock;
    const int32_t padded = (n + kVector - 1) / kVector * kVector;
    // Filters of one block stay laid out for the row, unless another source's take their place.
    if (!is_only || source->n > kBlock || ox == 0) {
      lay_out_filters(tiles, source, o, count, first, n, padded);
    }
    add_block(tiles, source, ox, pixels, count, first, n, padded);
  }
}

void tfdgsu_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy,
                           const TfdgsuStageI8* stage, const TfdgsuOverlayI8* overlay,
                           const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const TfdgsuSource main = tfdgsu_main_source(x, stage, oy);
  const TfdgsuSource extra = tfdgsu_overlay_source(&main, overlay);
  Tiles tiles;
  TfdgsuScalings scalings;
  memset(&tiles, 0, sizeof(tiles));
  for (int32_t o = 0; o < s->out_c; o += kTile) {
    const int32_t count = s->out_c - o < kTile ? s->out_c - o : kTile;
    tfdgsu_load_scalings(&scalings, stage, o, count);
    for (int32_t ox = 0; ox < s->out_w; ox += kPixels) {
      const int32_t pixels = s->out_w - ox < kPixels ? s->out_w - ox : kPixels;
      memset(tiles.sums, 0, sizeof(tiles.sums));
      add_source(&tiles, &main, !extra.n, o, count, ox, pixels);
      if (extra.n) add_source(&tiles, &extra, 0, o, count, ox, pixels);
      for (int32_t p = 0; p < pixels; ++p) {
        const int32_t at = (ox + p) * s->out_c + o;
        tfdgsu_requantize_tile(y + at, tiles.sums[p], count, &scalings, stage,
                               add ? addend + at : NULL, add);
      }
    }
  }
}

#endif  // TFDGSU_CONV_2D_ROW_I8 == TFDGSU_IS_PORTABLE
