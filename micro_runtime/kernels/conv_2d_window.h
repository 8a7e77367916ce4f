// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Windows of an int8 convolution, as runs of elements.

#ifndef TFDGSU_KERNELS_CONV_2D_WINDOW_H_
#define TFDGSU_KERNELS_CONV_2D_WINDOW_H_

#include <stddef.h>
#include <string.h>

#include "tfdgsu/kernels.h"

// What is summed over: the windows of one row of results, or their channels with an overlay.
typedef struct {
  const TfdgsuRowsI8* x;
  const TfdgsuStageI8* stage;
  const int8_t* w;          // [O,n]
  const int32_t* channels;  // of the overlay, or NULL
  int32_t n_channels;
  int32_t n;                // elements of a window
  int32_t iy;               // first row of the windows
} TfdgsuSource;

static inline TfdgsuSource tfdgsu_main_source(const TfdgsuRowsI8* x, const TfdgsuStageI8* stage, int32_t oy) {
  const TfdgsuWindow* s = &stage->window;
  const TfdgsuSource source = {
      x, stage, stage->w, NULL, 0, s->filter_h * s->filter_w * s->in_c, oy * s->stride_h - s->pad_top};
  return source;
}

// Without an overlay it has no elements.
static inline TfdgsuSource tfdgsu_overlay_source(const TfdgsuSource* main, const TfdgsuOverlayI8* overlay) {
  const TfdgsuWindow* s = &main->stage->window;
  const TfdgsuSource source = {main->x, main->stage, overlay->w, overlay->channels, overlay->n_channels,
                               s->filter_h * s->filter_w * overlay->n_channels, main->iy};
  return source;
}

// NULL outside of the image.
static inline const int8_t* tfdgsu_row_at(const TfdgsuSource* source, int32_t ky) {
  const TfdgsuWindow* s = &source->stage->window;
  const int32_t iy = source->iy + ky;
  if (iy < 0 || iy >= s->in_h) return NULL;
  return source->x->data + (iy % source->x->n_rows) * s->in_w * s->in_c;
}

// out[i] = row[at + i], the zero point where at + i is outside of [0, size).
static inline void tfdgsu_copy_run(int8_t* out, const int8_t* row, int32_t at, int32_t n, int32_t size,
                                   int32_t zero_point) {
  int32_t begin = at < 0 ? -at : 0, end = size - at < n ? size - at : n;
  if (!row || begin >= end) begin = end = n;
  int32_t i = 0;
  for (; i < begin; ++i) out[i] = (int8_t)zero_point;
  for (; i + 4 <= end; i += 4) memcpy(out + i, row + at + i, 4);
  for (; i < end; ++i) out[i] = row[at + i];
  for (; i < n; ++i) out[i] = (int8_t)zero_point;
}

static inline void tfdgsu_copy_overlay(int8_t* out, const TfdgsuSource* source, int32_t ix, int32_t first,
                                       int32_t n) {
  const TfdgsuWindow* s = &source->stage->window;
  int32_t tap = first / source->n_channels, k = first % source->n_channels;
  for (int32_t i = 0; i < n; ++i) {
    const int32_t column = ix + tap % s->filter_w;
    const int8_t* row = tfdgsu_row_at(source, tap / s->filter_w);
    const int is_inside = row && column >= 0 && column < s->in_w;
    out[i] = is_inside ? row[column * s->in_c + source->channels[k]] : (int8_t)source->stage->x_zero_point;
    if (++k == source->n_channels) {
      k = 0;
      ++tap;
    }
  }
}

// Elements [first, first + n) of the window that begins at column ix: where they lie, if one after the other in the
// image, else in a copy, in which the border counts as the zero point.
static inline const int8_t* tfdgsu_window_run(int8_t* copy, const TfdgsuSource* source, int32_t ix, int32_t first,
                                              int32_t n) {
  const TfdgsuWindow* s = &source->stage->window;
  const int32_t row_size = s->filter_w * s->in_c, size = s->in_w * s->in_c;
  if (source->channels) {
    tfdgsu_copy_overlay(copy, source, ix, first, n);
    return copy;
  }
  int32_t ky = first / row_size, at = first % row_size;
  const int32_t begin = ix * s->in_c + at;
  const int8_t* row = tfdgsu_row_at(source, ky);
  if (at + n <= row_size && row && begin >= 0 && begin + n <= size) return row + begin;
  for (int32_t done = 0; done < n; ++ky, at = 0) {
    const int32_t count = row_size - at < n - done ? row_size - at : n - done;
    tfdgsu_copy_run(copy + done, tfdgsu_row_at(source, ky), ix * s->in_c + at, count, size,
                    source->stage->x_zero_point);
    done += count;
  }
  return copy;
}

#endif  // TFDGSU_KERNELS_CONV_2D_WINDOW_H_
