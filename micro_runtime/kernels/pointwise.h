// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The sums of input gradients of pointwise convolutions with int8 weights. Many image positions are
// summed together, because they share the conversion of w.

#ifndef TFDGSU_KERNELS_POINTWISE_H_
#define TFDGSU_KERNELS_POINTWISE_H_

#include <stdint.h>
#include <string.h>

#include "overlay_run.h"
#include "register_tile.h"

enum { kTfdgsuPoints = 64, kTfdgsuPointTile = 8, kTfdgsuPanel = 48 };

// A run of output channels: w times the scales.
typedef float TfdgsuPanel[kTfdgsuPanel][kTfdgsuPointTile];

static inline void tfdgsu_convert(float* real, const int8_t* w, float scale, int32_t n) {
  for (int32_t i = 0; i < n; ++i) real[i] = scale * (float)w[i];
}

TFDGSU_TILE void tfdgsu_load_panel(TfdgsuPanel panel, const int8_t* w, const float* scales,
                                   int32_t w_stride, int32_t n_out, int32_t n) {
  if (n < kTfdgsuPointTile) {
    memset(panel, 0, (size_t)n_out * sizeof(panel[0]));
    for (int32_t o = 0; o < n_out; ++o) tfdgsu_convert(panel[o], w + o * w_stride, scales[o], n);
    return;
  }
  for (int32_t o = 0; o < n_out; ++o, w += w_stride) {
    const float scale = scales[o];
    float* real = panel[o];
    real[0] = scale * (float)w[0], real[1] = scale * (float)w[1];
    real[2] = scale * (float)w[2], real[3] = scale * (float)w[3];
    real[4] = scale * (float)w[4], real[5] = scale * (float)w[5];
    real[6] = scale * (float)w[6], real[7] = scale * (float)w[7];
  }
}

// Puts the overlay's weights in place of w. w: of the run's first output channel; panel[..][0] is of channel `first`.
static inline void tfdgsu_load_overlay(TfdgsuPanel panel, const int8_t* w, const TfdgsuOverlayI8* overlay,
                                       TfdgsuRange run, int32_t first, const float* scales, int32_t n_out) {
  for (int32_t o = 0; o < n_out; ++o, w += overlay->n_channels) {
    for (int32_t j = run.begin; j < run.end; ++j) panel[o][overlay->channels[j] - first] = scales[o] * (float)w[j];
  }
}

// sums[p][i] += sum over o < out_c of dy[p*out_c+o] * (scales[o] * w[o*w_stride+i]) for n_points positions and n
// channels; an overlay's weights count in place of w for its channels, and sums[p][0] is of channel `first`. What
// is in sums beyond n channels is lost.
static inline void tfdgsu_add_points_overlaid(float sums[kTfdgsuPoints][kTfdgsuPointTile],
                                              const float* dy, const int8_t* w,
                                              const TfdgsuOverlayI8* overlay, int32_t first,
                                              const float* scales, int32_t out_c, int32_t w_stride,
                                              int32_t n_points, int32_t n) {
  const TfdgsuRange run = tfdgsu_overlay_run(overlay, first, n);
  const int32_t long_points = tfdgsu_rows_of_long_tiles(n_points);
  TfdgsuPanel panel;
  for (int32_t o = 0; o < out_c; o += kTfdgsuPanel) {
    const int32_t n_out = out_c - o < kTfdgsuPanel ? out_c - o : kTfdgsuPanel;
    tfdgsu_load_panel(panel, w + o * w_stride, scales + o, w_stride, n_out, n);
    if (run.begin < run.end) {
      tfdgsu_load_overlay(panel, overlay->w + o * overlay->n_channels, overlay, run, first, scales + o, n_out);
    }
    for (int32_t i = 0; i < n; i += kTfdgsuSide) {
      tfdgsu_add_rows(sums[0] + i, kTfdgsuPointTile, dy + o, out_c, panel[0] + i, kTfdgsuPointTile, n_out,
                      long_points, n_points);
    }
  }
}

#endif  // TFDGSU_KERNELS_POINTWISE_H_
