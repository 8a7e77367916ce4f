// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Four channels of some neighbouring pixels at a time. A part of each row of the image is
// widened to int16 once, with the zero point subtracted and zeros for the border; three weights stay in registers while
// they meet all the pixels.

#include "../variant.h"
#include "tfdgsu/kernels.h"

#if TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_DSP

#include "scale_sum.h"
#include "simd32.h"

enum { kChannels = 4, kPixels = 8, kTaps = 3, kMaxTaps = 8, kColumns = 24 };

// Four channels of a pixel or of a weight.
typedef struct {
  int16x2_t even, odd;  // 0 and 2, 1 and 3
} Four;

typedef struct {
  int32_t a, b, c, d;  // of channels in order
} Sums;

typedef struct {
  Four x[kColumns];
  Sums sums[kPixels];
} Tile;

// n <= 4 channels.
static inline uint32_t load(const int8_t* from, int32_t n) {
  return n == kChannels ? tfdgsu_load_word(from) : tfdgsu_load_tail(from, n);
}

// A sum has at most 2^16 products of 9 and 8 bits: below 2^31; with the bias it wraps.
static inline void add_tap(Sums* sums, const Four* x, const Four* w) {
  const Four column = *x;
  sums->a = __smlabb(column.even, w->even, sums->a);
  sums->c = __smlatt(column.even, w->even, sums->c);
  sums->b = __smlabb(column.odd, w->odd, sums->b);
  sums->d = __smlatt(column.odd, w->odd, sums->d);
}

static inline Four widen_weights(const int8_t* w, int32_t n) {
  const uint32_t word = load(w, n);
  const Four four = {tfdgsu_even_bytes(word), tfdgsu_odd_bytes(word)};
  return four;
}

// `taps` <= 3 weights, c apart, of one filter row; pixels are `stride` columns apart.
static void add_taps(Sums* sums, const Four* x, const int8_t* w, int32_t taps, int32_t pixels, int32_t stride,
                     int32_t c, int32_t n) {
  const Four w0 = widen_weights(w, n);
  const Sums* const end = sums + pixels;
  if (taps == 1) {
    for (; sums != end; ++sums, x += stride) {
      Sums s = *sums;
      add_tap(&s, x, &w0);
      *sums = s;
    }
    return;
  }
  const Four w1 = widen_weights(w + c, n);
  if (taps == 2) {
    for (; sums != end; ++sums, x += stride) {
      Sums s = *sums;
      add_tap(&s, x, &w0);
      add_tap(&s, x + 1, &w1);
      *sums = s;
    }
    return;
  }
  const Four w2 = widen_weights(w + 2 * c, n);
  for (; sums != end; ++sums, x += stride) {
    Sums s = *sums;
    add_tap(&s, x, &w0);
    add_tap(&s, x + 1, &w1);
    add_tap(&s, x + 2, &w2);
    *sums = s;
  }
}

__attribute__((always_inline)) static inline void widen_run(Four* out, const int8_t* from, int32_t count, int32_t c,
                                                            int32_t n, int16x2_t less_zero_point) {
  for (const Four* const end = out + count; out != end; ++out, from += c) {
    const uint32_t word = load(from, n);
    const Four four = {tfdgsu_add_even_bytes(less_zero_point, word), tfdgsu_add_odd_bytes(less_zero_point, word)};
    *out = four;
  }
}

// Columns [ix, ix + count) of a row of the image, c channels apart.
static void widen_columns(Four* out, const int8_t* row, int32_t ix, int32_t count, int32_t in_w, int32_t c, int32_t n,
                          int16x2_t less_zero_point) {
  static const Four kBorder = {0, 0};
  const int32_t begin = ix >= 0 ? 0 : -ix < count ? -ix : count;
  const int32_t end = in_w - ix > count ? count : in_w - ix > begin ? in_w - ix : begin;
  for (int32_t i = 0; i < begin; ++i) out[i] = kBorder;
  for (int32_t i = end; i < count; ++i) out[i] = kBorder;
  if (n == kChannels) {
    widen_run(out + begin, row + (ix + begin) * c, end - begin, c, kChannels, less_zero_point);
  } else {
    widen_run(out + begin, row + (ix + begin) * c, end - begin, c, n, less_zero_point);
  }
}

// Adds the weights [kx, kx + taps) of all filter rows to `pixels` pixels from column ox on, channels [c, c + n).
static void add_part(Tile* tile, const TfdgsuRowsI8* x, const TfdgsuStageI8* stage, int32_t iy, int32_t ox,
                     int32_t pixels, int32_t kx, int32_t taps, int32_t c, int32_t n) {
  const TfdgsuWindow* s = &stage->window;
  const int16x2_t less_zero_point = tfdgsu_pair_of(-stage->x_zero_point);
  const int32_t ix = ox * s->stride_w - s->pad_left + kx, columns = (pixels - 1) * s->stride_w + taps;
  const int32_t ky_end = s->in_h - iy < s->filter_h ? s->in_h - iy : s->filter_h;
  for (int32_t ky = iy < 0 ? -iy : 0; ky < ky_end; ++ky) {
    const int8_t* row = x->data + (iy + ky) % x->n_rows * s->in_w * s->in_c + c;
    const int8_t* w = stage->w + (ky * s->filter_w + kx) * s->in_c + c;
    widen_columns(tile->x, row, ix, columns, s->in_w, s->in_c, n, less_zero_point);
    for (int32_t tap = 0; tap < taps; tap += kTaps, w += kTaps * s->in_c) {
      const int32_t count = taps - tap < kTaps ? taps - tap : kTaps;
      add_taps(tile->sums, tile->x + tap, w, count, pixels, s->stride_w, s->in_c, n);
    }
  }
}

void tfdgsu_depthwise_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, const TfdgsuStageI8* stage,
                                     const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const int32_t iy = oy * s->stride_h - s->pad_top, channels = s->in_c;
  // As many pixels as their columns have room for.
  const int32_t most_taps = s->filter_w < kMaxTaps ? s->filter_w : kMaxTaps;
  const int32_t room = (kColumns - most_taps) / s->stride_w + 1, most = room < kPixels ? room : kPixels;
  Tile tile;
  for (int32_t c = 0; c < channels; c += kChannels) {
    const int32_t n = channels - c < kChannels ? channels - c : kChannels;
    Sums start = {0, 0, 0, 0};
    if (stage->bias) memcpy(&start, stage->bias + c, (size_t)n * sizeof(int32_t));
    for (int32_t ox = 0; ox < s->out_w; ox += most) {
      const int32_t pixels = s->out_w - ox < most ? s->out_w - ox : most, at = ox * s->in_c + c;
      for (int32_t p = 0; p < pixels; ++p) tile.sums[p] = start;
      for (int32_t kx = 0; kx < s->filter_w; kx += most_taps) {
        const int32_t taps = s->filter_w - kx < most_taps ? s->filter_w - kx : most_taps;
        add_part(&tile, x, stage, iy, ox, pixels, kx, taps, c, n);
      }
      for (int32_t i = 0; i < n; ++i) {
        const int32_t* sums = &tile.sums[0].a + i;
        tfdgsu_finish(y + at + i, sums, kChannels, pixels, stage, c + i, add ? addend + at + i : NULL, add);
      }
    }
  }
}

#endif  // TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 == TFDGSU_IS_DSP
