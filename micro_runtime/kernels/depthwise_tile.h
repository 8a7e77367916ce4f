// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// How the gradients of depthwise convolutions take the taps of a filter: in parts of at most kTfdgsuMaxTaps.

#ifndef TFDGSU_KERNELS_DEPTHWISE_TILE_H_
#define TFDGSU_KERNELS_DEPTHWISE_TILE_H_

#include <stdint.h>

#include "tfdgsu/kernels.h"

// The part that begins at a tap: whole rows, or a piece of one row. Empty behind the last tap.
static inline TfdgsuTaps tfdgsu_taps_at(int32_t ky, int32_t kx, const TfdgsuWindow* s) {
  enum { kColumns = 32 };
  TfdgsuTaps taps = {ky, kx, 1, s->filter_w - kx < kColumns ? s->filter_w - kx : kColumns};
  if (s->filter_w <= kColumns) {
    // No more rows than what they need of dy, beside 3 more columns, has room for in tfdgsu_depthwise_input_tile_f32.
    const int32_t room = 2 * kTfdgsuMaxTaps / (s->filter_w + 3), most = kTfdgsuMaxTaps / s->filter_w;
    taps.rows = room < most ? room : most;
  }
  if (taps.rows > s->filter_h - ky) taps.rows = s->filter_h - ky;
  return taps;
}

static inline TfdgsuTaps tfdgsu_next_taps(const TfdgsuTaps* taps, const TfdgsuWindow* s) {
  const int32_t kx = taps->kx + taps->columns;
  return kx < s->filter_w ? tfdgsu_taps_at(taps->ky, kx, s) : tfdgsu_taps_at(taps->ky + taps->rows, 0, s);
}

// Whether sums of part of the taps would be stored over an addend that is still to be read.
static inline int tfdgsu_parts_overwrite(const float* dx, const TfdgsuEpilogue* epilogue, const TfdgsuWindow* s) {
  const TfdgsuTaps taps = tfdgsu_taps_at(0, 0, s);
  return epilogue->addend == dx && (taps.rows < s->filter_h || taps.columns < s->filter_w);
}

#endif  // TFDGSU_KERNELS_DEPTHWISE_TILE_H_
