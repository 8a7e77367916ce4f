// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Dot products of int8 over 16 elements at a time, of four pixels with one filter. The border
// counts as the zero point, so that what the zero point adds to a sum is the same for all pixels.

#include "../variant.h"
#include "tfdgsu/kernels.h"

#if TFDGSU_CONV_2D_ROW_I8 == TFDGSU_IS_MVE

#include "../conv_2d_window.h"
#include "requantize_mve.h"

enum { kTile = kTfdgsuTile, kPixels = 4, kBlock = 256, kVector = 16 };

typedef struct {
  int32_t start[kTile];           // sums start there, as lanes
  int32_t sums[kPixels][kTile];   // as lanes
  int8_t copies[kPixels][kBlock];
} Tiles;

// sums[p] += x[p] . w over n elements; step: from one pixel's sum to the next one's. A sum has at most 2^16 products of 8
// and 8 bits; with the start, they are of 9 and 8: below 2^31.
static void add_dots(int32_t* sums, const int8_t* const* x, const int8_t* w, int32_t n) {
  const int8_t *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
  int32_t a = sums[0], b = sums[kTile], c = sums[2 * kTile], d = sums[3 * kTile];
  for (int32_t blocks = n / kVector; blocks > 0; --blocks) {
    const int8x16_t filter = vldrbq_s8(w);
    a = vmladavaq_s8(a, vldrbq_s8(x0), filter);
    b = vmladavaq_s8(b, vldrbq_s8(x1), filter);
    c = vmladavaq_s8(c, vldrbq_s8(x2), filter);
    d = vmladavaq_s8(d, vldrbq_s8(x3), filter);
    w += kVector;
    x0 += kVector;
    x1 += kVector;
    x2 += kVector;
    x3 += kVector;
  }
  if (n % kVector) {
    const mve_pred16_t rest = vctp8q((uint32_t)(n % kVector));
    const int8x16_t filter = vldrbq_z_s8(w, rest);
    a = vmladavaq_s8(a, vldrbq_z_s8(x0, rest), filter);
    b = vmladavaq_s8(b, vldrbq_z_s8(x1, rest), filter);
    c = vmladavaq_s8(c, vldrbq_z_s8(x2, rest), filter);
    d = vmladavaq_s8(d, vldrbq_z_s8(x3, rest), filter);
  }
  sums[0] = a;
  sums[kTile] = b;
  sums[2 * kTile] = c;
  sums[3 * kTile] = d;
}

static int32_t sum_of(const int8_t* w, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i += kVector) {
    const mve_pred16_t rest = vctp8q((uint32_t)(n - i));
    sum = vaddvaq_s8(sum, vldrbq_z_s8(w + i, rest));
  }
  return sum;
}

static int32_t less_zero_points(const TfdgsuSource* source, int32_t o) {
  return source->n ? -source->stage->x_zero_point * sum_of(source->w + o * source->n, source->n) : 0;
}

// Adds all elements to the sums of `pixels` pixels from column ox on and of the filters [o, o + count).
static void add_source(Tiles* tiles, const TfdgsuSource* source, int32_t o, int32_t count, int32_t ox,
                       int32_t pixels) {
  const TfdgsuWindow* s = &source->stage->window;
  // Without a border and in one run, elements are read where they lie.
  const int32_t is_one_run = !source->channels && s->filter_h * s->filter_w == 1 && s->pad_left == 0;
  const int32_t most = is_one_run ? source->n : kBlock;
  const int8_t* x[kPixels];
  for (int32_t first = 0; first < source->n; first += most) {
    const int32_t n = source->n - first < most ? source->n - first : most;
    for (int32_t p = 0; p < kPixels; ++p) {
      // Pixels beyond the row's last repeat it.
      const int32_t ix = (ox + (p < pixels ? p : pixels - 1)) * s->stride_w - s->pad_left;
      x[p] = tfdgsu_window_run(tiles->copies[p], source, ix, first, n);
    }
    const int8_t* w = source->w + o * source->n + first;
    for (int32_t i = 0; i < count; ++i, w += source->n) add_dots(&tiles->sums[0][tfdgsu_lane(i)], x, w, n);
  }
}

static void finish_pixel(int8_t* y, const int32_t* sums, int32_t n, const TfdgsuQuarters* lanes,
                         const TfdgsuStageI8* stage, const int8_t* addend, const TfdgsuAddI8* add) {
  tfdgsu_finish_lanes(y, vldrwq_s32(sums), vldrwq_s32(sums + 4), vldrwq_s32(sums + 8), vldrwq_s32(sums + 12), n, lanes,
                      stage, addend, add);
}

void tfdgsu_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, const TfdgsuStageI8* stage,
                           const TfdgsuOverlayI8* overlay, const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const TfdgsuSource main = tfdgsu_main_source(x, stage, oy);
  const TfdgsuSource extra = tfdgsu_overlay_source(&main, overlay);
  Tiles tiles;
  TfdgsuQuarters lanes;
  memset(&tiles, 0, sizeof(tiles));
  for (int32_t o = 0; o < s->out_c; o += kTile) {
    const int32_t count = s->out_c - o < kTile ? s->out_c - o : kTile;
    tfdgsu_load_quarters(&lanes, stage, o, count);
    for (int32_t i = 0; i < count; ++i) {
      const int32_t at = tfdgsu_lane(i), less = less_zero_points(&main, o + i) + less_zero_points(&extra, o + i);
      tiles.start[at] = (int32_t)((uint32_t)lanes.bias[at] + (uint32_t)less);
    }
    for (int32_t ox = 0; ox < s->out_w; ox += kPixels) {
      const int32_t pixels = s->out_w - ox < kPixels ? s->out_w - ox : kPixels;
      for (int32_t p = 0; p < kPixels; ++p) memcpy(tiles.sums[p], tiles.start, sizeof(tiles.start));
      add_source(&tiles, &main, o, count, ox, pixels);
      add_source(&tiles, &extra, o, count, ox, pixels);
      for (int32_t p = 0; p < pixels; ++p) {
        const int32_t at = (ox + p) * s->out_c + o;
        finish_pixel(y + at, tiles.sums[p], count, &lanes, stage, add ? addend + at : NULL, add);
      }
    }
  }
}

#endif  // TFDGSU_CONV_2D_ROW_I8 == TFDGSU_IS_MVE
