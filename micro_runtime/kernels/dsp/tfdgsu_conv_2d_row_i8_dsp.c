// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Parts of the windows of 8 or 4 pixels are laid out as pairs of int16, with the zero point
// subtracted, pixels next to each other, so that a pointer walks over all of them. Filters are widened as they are
// read.

#include "../variant.h"
#include "tfdgsu/kernels.h"

#if TFDGSU_CONV_2D_ROW_I8 == TFDGSU_IS_DSP

#include "../compiler.h"
#include "../conv_2d_window.h"
#include "scale_sum.h"
#include "simd32.h"

enum { kPixels = 8, kFew = 4, kBlock = 64, kFilters = 32 };

typedef struct {
  int16x2_t x[kBlock / 4 * kPixels * 2];  // [elements / 4, 2, width]: even elements of all pixels, then odd ones
  int32_t sums[kFilters][kPixels];
  int8_t copy[kBlock];
} Tiles;

// *a += pair . x[0], *b += pair . x[1]; x moves on. In assembly, since compilers load the two words apart, and so early
// that sums have to leave their registers. A sum has at most 2^16 products of 9 and 8 bits: below 2^31.
static inline const int16x2_t* add_two(int32_t* a, int32_t* b, int16x2_t pair, const int16x2_t* x) {
  int16x2_t x0, x1;
  __asm__ volatile(
      "ldrd %[x0], %[x1], [%[x]], #8\n\t"
      "smlad %[a], %[pair], %[x0], %[a]\n\t"
      "smlad %[b], %[pair], %[x1], %[b]"
      : [a] "+r"(*a), [b] "+r"(*b), [x] "+r"(x), [x0] "=&r"(x0), [x1] "=&r"(x1)
      : [pair] "r"(pair)
      : "memory");
  return x;
}

// Sums of eight or, in the first half, four pixels.
typedef struct {
  int32_t a, b, c, d, e, f, g, h;
} Sums;

static inline const int16x2_t* add_pair(Sums* sums, int16x2_t pair, const int16x2_t* x, int32_t width) {
  x = add_two(&sums->a, &sums->b, pair, x);
  x = add_two(&sums->c, &sums->d, pair, x);
  if (width == kFew) return x;
  x = add_two(&sums->e, &sums->f, pair, x);
  return add_two(&sums->g, &sums->h, pair, x);
}

// Four elements of a filter and of the pixels.
static inline const int16x2_t* add_word(Sums* sums, uint32_t word, const int16x2_t* x, int32_t width) {
  x = add_pair(sums, tfdgsu_even_bytes(word), x, width);
  return add_pair(sums, tfdgsu_odd_bytes(word), x, width);
}

// sums[p] += x[p] . w over n elements. `width` is a constant.
TFDGSU_INLINE void add_dots(int32_t* out, const int16x2_t* x, const int8_t* w, int32_t n,
                            int32_t width) {
  Sums sums = {out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]};
  const int8_t* const end = w + (n & ~3);
  for (; w != end; w += 4) x = add_word(&sums, tfdgsu_load_word(w), x, width);
  if (n & 3) {
    // The last bytes of the word that ends with the filter, if it has so many.
    const uint32_t word = n > 4 ? tfdgsu_load_word(w + (n & 3) - 4) >> (32 - 8 * (n & 3)) : tfdgsu_load_tail(w, n);
    add_word(&sums, word, x, width);
  }
  out[0] = sums.a;
  out[1] = sums.b;
  out[2] = sums.c;
  out[3] = sums.d;
  if (width == kFew) return;
  out[4] = sums.e;
  out[5] = sums.f;
  out[6] = sums.g;
  out[7] = sums.h;
}

TFDGSU_APART void add_dots_of_4(int32_t* sums, const int16x2_t* x, const int8_t* w, int32_t n) {
  add_dots(sums, x, w, n, kFew);
}

TFDGSU_APART void add_dots_of_8(int32_t* sums, const int16x2_t* x, const int8_t* w, int32_t n) {
  add_dots(sums, x, w, n, kPixels);
}

// n elements of one pixel; the last word's other elements are multiplied by 0.
static void widen(int16x2_t* out, const int8_t* x, int32_t n, int32_t width, int16x2_t less_zero_point) {
  for (; n > 0; n -= 4, x += 4, out += 2 * width) {
    const uint32_t word = n >= 4 ? tfdgsu_load_word(x) : tfdgsu_load_tail(x, n);
    out[0] = tfdgsu_add_even_bytes(less_zero_point, word);
    out[width] = tfdgsu_add_odd_bytes(less_zero_point, word);
  }
}

// Adds all elements to the sums of `pixels` pixels from column ox on and of the filters [o, o + count).
static void add_source(Tiles* tiles, const TfdgsuSource* source, int32_t o, int32_t count, int32_t ox,
                       int32_t pixels) {
  const TfdgsuWindow* s = &source->stage->window;
  const int16x2_t less_zero_point = tfdgsu_pair_of(-source->stage->x_zero_point);
  const int32_t width = pixels <= kFew ? kFew : kPixels;
  for (int32_t first = 0; first < source->n; first += kBlock) {
    const int32_t n = source->n - first < kBlock ? source->n - first : kBlock;
    for (int32_t p = 0; p < pixels; ++p) {
      const int32_t ix = (ox + p) * s->stride_w - s->pad_left;
      widen(tiles->x + p, tfdgsu_window_run(tiles->copy, source, ix, first, n), n, width, less_zero_point);
    }
    const int8_t* w = source->w + o * source->n + first;
    for (int32_t i = 0; i < count; ++i, w += source->n) {
      if (width == kFew) {
        add_dots_of_4(tiles->sums[i], tiles->x, w, n);
      } else {
        add_dots_of_8(tiles->sums[i], tiles->x, w, n);
      }
    }
  }
}

// Sums start at the bias, and wrap with it.
static void start_sums(Tiles* tiles, const TfdgsuStageI8* stage, int32_t o, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    const int32_t bias = stage->bias ? stage->bias[o + i] : 0;
    for (int32_t p = 0; p < kPixels; ++p) tiles->sums[i][p] = bias;
  }
}

void tfdgsu_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, const TfdgsuStageI8* stage,
                           const TfdgsuOverlayI8* overlay, const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const TfdgsuSource main = tfdgsu_main_source(x, stage, oy);
  const TfdgsuSource extra = tfdgsu_overlay_source(&main, overlay);
  Tiles tiles;
  // Pixels beyond the row's last are multiplied as well, whatever they are.
  memset(tiles.x, 0, sizeof(tiles.x));
  for (int32_t o = 0; o < s->out_c; o += kFilters) {
    const int32_t count = s->out_c - o < kFilters ? s->out_c - o : kFilters;
    for (int32_t ox = 0; ox < s->out_w; ox += kPixels) {
      const int32_t pixels = s->out_w - ox < kPixels ? s->out_w - ox : kPixels;
      start_sums(&tiles, stage, o, count);
      add_source(&tiles, &main, o, count, ox, pixels);
      add_source(&tiles, &extra, o, count, ox, pixels);
      for (int32_t i = 0; i < count; ++i) {
        const int32_t at = ox * s->out_c + o + i;
        tfdgsu_finish(y + at, tiles.sums[i], pixels, stage, o + i, add ? addend + at : NULL, add);
      }
    }
  }
}

#endif  // TFDGSU_CONV_2D_ROW_I8 == TFDGSU_IS_DSP
