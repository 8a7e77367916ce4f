// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The positions of an image that a filter tap joins with positions of the result.

#ifndef TFDGSU_KERNELS_FILTER_POSITIONS_H_
#define TFDGSU_KERNELS_FILTER_POSITIONS_H_

#include "position_tile.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

typedef struct {
  TfdgsuRange rows, columns;  // of the result; empty where the tap meets the padded border only
  int32_t first_dy, first_x;  // elements of dy [B,Ho,Wo,O] and x [B,H,W,k] before those of the first position
} TfdgsuTap;

static inline TfdgsuTap tfdgsu_tap(const TfdgsuWindow* s, int32_t ky, int32_t kx) {
  TfdgsuTap tap = {tfdgsu_outputs_of_tap(ky, s->in_h, s->out_h, s->stride_h, s->pad_top),
                   tfdgsu_outputs_of_tap(kx, s->in_w, s->out_w, s->stride_w, s->pad_left), 0, 0};
  if (tap.rows.end <= tap.rows.begin || tap.columns.end <= tap.columns.begin) {
    tap.rows.end = tap.rows.begin = tap.columns.end = tap.columns.begin = 0;
    return tap;
  }
  const int32_t y = tap.rows.begin * s->stride_h - s->pad_top + ky;
  const int32_t x = tap.columns.begin * s->stride_w - s->pad_left + kx;
  tap.first_dy = (tap.rows.begin * s->out_w + tap.columns.begin) * s->out_c;
  tap.first_x = (y * s->in_w + x) * s->in_c;
  return tap;
}

// All of them. Lines and images that follow one another without a gap are one.
static inline TfdgsuPositions tfdgsu_positions_of_tap(const TfdgsuWindow* s, const TfdgsuTap* tap) {
  const int32_t lines = tap->rows.end - tap->rows.begin;
  const int32_t line = tap->columns.end - tap->columns.begin;
  TfdgsuPositions at = {s->batches, lines, line, s->out_c, (s->out_w - line) * s->out_c,
                        (s->out_h - lines) * s->out_w * s->out_c, s->stride_w * s->in_c,
                        (s->stride_h * s->in_w - line * s->stride_w) * s->in_c,
                        (s->in_h - lines * s->stride_h) * s->in_w * s->in_c};
  if (at.dy_line_gap == 0 && at.x_line_gap == 0) at.line *= at.lines, at.lines = 1;
  if (at.lines == 1 && at.dy_line_gap + at.dy_image_gap == 0 && at.x_line_gap + at.x_image_gap == 0) {
    at.line *= at.images, at.images = 1;
  }
  return at;
}

#endif  // TFDGSU_KERNELS_FILTER_POSITIONS_H_
