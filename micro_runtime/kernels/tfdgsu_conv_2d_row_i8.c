// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. The windows of a few pixels are laid out as rows of int16 with the
// zero point subtracted, so that each sum is one dot product with a filter as it lies in memory.

#include <stddef.h>

#include "requantize.h"
#include "tfdgsu/kernels.h"

enum { kTile = 8 };

// Elements of one filter row of one pixel, the border as 0.
static void lay_out_row(int16_t* patch, const int8_t* row, int32_t ix, const TfdgsuStageI8* stage) {
  const TfdgsuWindow* s = &stage->window;
  for (int32_t kx = 0; kx < s->filter_w; ++kx, patch += s->in_c) {
    const int is_inside = row && ix + kx >= 0 && ix + kx < s->in_w;
    const int8_t* pixel = is_inside ? row + (ix + kx) * s->in_c : NULL;
    for (int32_t c = 0; c < s->in_c; ++c) {
      patch[c] = (int16_t)(pixel ? pixel[c] - stage->x_zero_point : 0);
    }
  }
}

// Row iy of the image, or NULL outside.
static const int8_t* row_at(const TfdgsuRowsI8* x, int32_t iy, const TfdgsuWindow* s) {
  if (iy < 0 || iy >= s->in_h) return NULL;
  return x->data + (iy % x->n_rows) * s->in_w * s->in_c;
}

// The window of pixel (oy, ox), then its overlay's channels.
static void lay_out(int16_t* patch, const TfdgsuRowsI8* x, int32_t oy, int32_t ox,
                    const TfdgsuStageI8* stage, const TfdgsuOverlayI8* overlay) {
  const TfdgsuWindow* s = &stage->window;
  const int32_t iy = oy * s->stride_h - s->pad_top, ix = ox * s->stride_w - s->pad_left;
  const int32_t taps = s->filter_h * s->filter_w;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    lay_out_row(patch + ky * s->filter_w * s->in_c, row_at(x, iy + ky, s), ix, stage);
  }
  int16_t* extra = patch + taps * s->in_c;
  for (int32_t tap = 0; tap < taps; ++tap) {
    for (int32_t q = 0; q < overlay->n_channels; ++q) {
      *extra++ = patch[tap * s->in_c + overlay->channels[q]];
    }
  }
}

// At most 2^16 products of 9 and 8 bits: below 2^31.
static int32_t dot(const int16_t* a, const int8_t* w, int32_t n) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += (int32_t)a[i] * (int32_t)w[i];
  return sum;
}

void tfdgsu_conv_2d_row_i8(int8_t* y, int16_t* patches, const TfdgsuRowsI8* x, int32_t oy,
                           const TfdgsuStageI8* stage, const TfdgsuOverlayI8* overlay,
                           const int8_t* addend, const TfdgsuAddI8* add) {
  const TfdgsuWindow* s = &stage->window;
  const int32_t n = s->filter_h * s->filter_w * s->in_c;
  const int32_t n_extra = s->filter_h * s->filter_w * overlay->n_channels;
  int32_t sums[kTile];
  for (int32_t ox = 0; ox < s->out_w; ++ox) {
    lay_out(patches, x, oy, ox, stage, overlay);
    for (int32_t o = 0; o < s->out_c; o += kTile) {
      const int32_t count = s->out_c - o < kTile ? s->out_c - o : kTile;
      for (int32_t i = 0; i < count; ++i) {
        sums[i] = dot(patches, stage->w + (o + i) * n, n);
        if (n_extra) sums[i] += dot(patches + n, overlay->w + (o + i) * n_extra, n_extra);
      }
      tfdgsu_requantize(y + ox * s->out_c + o, sums, o, count, stage,
                        add ? addend + ox * s->out_c + o : addend, add);
    }
  }
}
