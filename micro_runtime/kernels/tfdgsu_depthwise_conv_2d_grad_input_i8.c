// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Gathers: per image position the taps that read it. Of multiplier 1 and a
// filter that is not too large, 4 channels have their weights converted once for the whole image, and are
// summed at 4 positions together.

#include "depthwise_tile.h"
#include "epilogue.h"
#include "multiply_add.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

enum { kTile = 4, kMaxTaps = 64 };

// Weights and scales of a run of channels; `real` holds their products, of a filter of at most kMaxTaps taps
// and multiplier 1.
typedef struct {
  const int8_t* w;
  const float* scales;
  int32_t is_converted;
  float real[kMaxTaps][kTile];
} Filter;

static inline void convert(float* real, const int8_t* w, const float* scales, int32_t n) {
  for (int32_t i = 0; i < n; ++i) real[i] = scales[i] * (float)w[i];
}

static void load_filter(Filter* filter, const int8_t* w, const float* scales,
                        const TfdgsuWindow* s, int32_t n) {
  const int32_t taps = s->filter_h * s->filter_w;
  filter->w = w;
  filter->scales = scales;
  filter->is_converted = taps <= kMaxTaps && s->out_c == s->in_c;
  if (!filter->is_converted) return;
  for (int32_t tap = 0; tap < taps; ++tap) {
    if (n == kTile) {
      convert(filter->real[tap], w + tap * s->out_c, scales, kTile);
    } else {
      convert(filter->real[tap], w + tap * s->out_c, scales, n);
    }
  }
}

static inline void add_products(float* sums, const float* dy, const float* w, int32_t n) {
  for (int32_t i = 0; i < n; ++i) sums[i] = tfdgsu_multiply_add(dy[i], w[i], sums[i]);
}

// sums[i] += sum over q < m of dy[i*m+q] * (scales[i*m+q] * w[i*m+q]).
static void add_tap(float* sums, const float* dy, const Filter* filter, int32_t tap,
                    const TfdgsuWindow* s, int32_t n) {
  if (filter->is_converted) {
    add_products(sums, dy, filter->real[tap], n);
    return;
  }
  const int32_t multiplier = s->out_c / s->in_c;
  const int8_t* w = filter->w + tap * s->out_c;
  for (int32_t i = 0; i < n; ++i) {
    for (int32_t q = 0; q < multiplier; ++q) {
      const int32_t at = i * multiplier + q;
      sums[i] = tfdgsu_multiply_add(dy[at], filter->scales[at] * (float)w[at], sums[i]);
    }
  }
}

// `dy` begins at the run's first channel.
static void sum_position(float* sums, const float* dy, const Filter* filter, const TfdgsuWindow* s,
                         int32_t b, int32_t y, int32_t x, int32_t n) {
  for (int32_t i = 0; i < kTile; ++i) sums[i] = 0.0f;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t oy = tfdgsu_output_of_tap(y, ky, s->stride_h, s->pad_top, s->out_h);
    if (oy < 0) continue;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ox = tfdgsu_output_of_tap(x, kx, s->stride_w, s->pad_left, s->out_w);
      if (ox < 0) continue;
      add_tap(sums, dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c, filter,
              ky * s->filter_w + kx, s, n);
    }
  }
}

// A whole run of channels, from c, in row (b, y). `dy` begins at the run's first channel.
static void sum_row(float* dx, const float* dy, const Filter* filter,
                    const TfdgsuEpilogue* epilogue, const TfdgsuWindow* s, int32_t b, int32_t y,
                    int32_t c) {
  const float* image = dy + b * s->out_h * s->out_w * s->out_c;
  const int32_t row = (b * s->in_h + y) * s->in_w, reach = 3 * s->stride_w;
  for (int32_t phase = 0; phase < s->stride_w && phase < s->in_w; ++phase) {
    float sums[kTfdgsuSide * kTile];
    int32_t x = phase;
    for (; x + reach < s->in_w; x += kTfdgsuSide * s->stride_w) {
      tfdgsu_sum_depthwise(sums, image, filter->real[0], kTile, s, y, x);
      for (int32_t i = 0; i < kTfdgsuSide; ++i) {
        const int32_t start = (row + x + i * s->stride_w) * s->in_c + c;
        tfdgsu_store_sums(dx, sums + kTile * i, start, kTile, epilogue);
      }
    }
    for (; x < s->in_w; x += s->stride_w) {
      sum_position(sums, dy, filter, s, b, y, x, kTile);
      tfdgsu_store_sums(dx, sums, (row + x) * s->in_c + c, kTile, epilogue);
    }
  }
}

void tfdgsu_depthwise_conv_2d_grad_input_i8(float* dx, const float* dy, const int8_t* w,
                                            const float* scales, const TfdgsuEpilogue* epilogue,
                                            const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  const int32_t multiplier = s->out_c / s->in_c;
  Filter filter;
  float sums[kTile];
  for (int32_t c = 0; c < s->in_c; c += kTile) {
    const int32_t n = s->in_c - c < kTile ? s->in_c - c : kTile, first = c * multiplier;
    load_filter(&filter, w + first, scales + first, s, n);
    for (int32_t b = 0; b < s->batches; ++b) {
      for (int32_t y = 0; y < s->in_h; ++y) {
        if (filter.is_converted && n == kTile) {
          sum_row(dx, dy + first, &filter, epilogue, s, b, y, c);
          continue;
        }
        for (int32_t x = 0; x < s->in_w; ++x) {
          sum_position(sums, dy + first, &filter, s, b, y, x, n);
          tfdgsu_store_sums(dx, sums, ((b * s->in_h + y) * s->in_w + x) * s->in_c + c, n, epilogue);
        }
      }
    }
  }
}
