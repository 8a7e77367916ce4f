// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Many image positions are summed together, because they share the conversion of w.

#include <stddef.h>
#include <string.h>

#include "overlay_run.h"
#include "register_tile.h"
#include "tfdgsu/kernels.h"

enum { kPanel = 48 };

// A run of output channels: w times the scales.
typedef float Panel[kPanel][kTfdgsuPointTile];

static void convert(float* real, const int8_t* w, float scale, int32_t n) {
  for (int32_t i = 0; i < n; ++i) real[i] = scale * (float)w[i];
}

static void load_panel(Panel panel, const int8_t* w, const float* scales, int32_t w_stride, int32_t n_out,
                       int32_t n) {
  if (n < kTfdgsuPointTile) {
    memset(panel, 0, (size_t)n_out * sizeof(panel[0]));
    for (int32_t o = 0; o < n_out; ++o) convert(panel[o], w + o * w_stride, scales[o], n);
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
static void load_overlay(Panel panel, const int8_t* w, const TfdgsuOverlayI8* overlay, TfdgsuRange run,
                         int32_t first, const float* scales, int32_t n_out) {
  for (int32_t o = 0; o < n_out; ++o, w += overlay->n_channels) {
    for (int32_t j = run.begin; j < run.end; ++j) panel[o][overlay->channels[j] - first] = scales[o] * (float)w[j];
  }
}

void tfdgsu_add_points_i8(float sums[kTfdgsuPoints][kTfdgsuPointTile], const float* dy, const int8_t* w,
                          const TfdgsuOverlayI8* overlay, int32_t first, const float* scales,
                          int32_t out_c, int32_t w_stride, int32_t n_points, int32_t n) {
  const TfdgsuRange run = tfdgsu_overlay_run(overlay, first, n);
  const int32_t long_points = tfdgsu_rows_of_long_tiles(n_points);
  Panel panel;
  for (int32_t o = 0; o < out_c; o += kPanel) {
    const int32_t n_out = out_c - o < kPanel ? out_c - o : kPanel;
    load_panel(panel, w + o * w_stride, scales + o, w_stride, n_out, n);
    if (run.begin < run.end) {
      load_overlay(panel, overlay->w + o * overlay->n_channels, overlay, run, first, scales + o, n_out);
    }
    for (int32_t i = 0; i < n; i += kTfdgsuSide) {
      tfdgsu_add_rows(sums[0] + i, kTfdgsuPointTile, dy + o, out_c, panel[0] + i, kTfdgsuPointTile, n_out,
                      long_points, n_points);
    }
  }
}
