// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The sums of input gradients of pointwise convolutions with int8 weights. Several image positions are
// summed together, because they share the conversion of w.

#ifndef TFDGSU_KERNELS_POINTWISE_H_
#define TFDGSU_KERNELS_POINTWISE_H_

#include <stdint.h>

#include "multiply_add.h"
#include "overlay_run.h"
#include "register_tile.h"

enum { kTfdgsuPoints = 16, kTfdgsuPointTile = 16, kTfdgsuPanel = 16 };

static inline void tfdgsu_convert(float* real, const int8_t* w, float scale, int32_t n) {
  for (int32_t i = 0; i < n; ++i) real[i] = scale * (float)w[i];
}

// A run of output channels: w times the scales, and dy.
typedef struct {
  float w[kTfdgsuPanel][kTfdgsuPointTile], dy[kTfdgsuPoints][kTfdgsuPanel];
} TfdgsuPanel;

static inline void tfdgsu_load_panel(TfdgsuPanel* panel, const float* dy, const int8_t* w,
                                     const float* scales, int32_t out_c, int32_t w_stride,
                                     int32_t n_out, int32_t n_points, int32_t n) {
  for (int32_t o = 0; o < n_out; ++o) tfdgsu_convert(panel->w[o], w + o * w_stride, scales[o], n);
  for (int32_t p = 0; p < n_points; ++p) {
    for (int32_t o = 0; o < n_out; ++o) panel->dy[p][o] = dy[p * out_c + o];
  }
}

static inline void tfdgsu_add_panel(float sums[kTfdgsuPoints][kTfdgsuPointTile],
                                    const TfdgsuPanel* panel, int32_t n_out, int32_t n_points,
                                    int32_t n) {
  for (int32_t p = 0; p < n_points; p += kTfdgsuSide) {
    for (int32_t i = 0; i < n; i += kTfdgsuSide) {
      if (n_points - p >= kTfdgsuSide && n - i >= kTfdgsuSide) {
        tfdgsu_add_rows_4x4(sums[p] + i, kTfdgsuPointTile, panel->dy[p], kTfdgsuPanel,
                            panel->w[0] + i, kTfdgsuPointTile, n_out);
        continue;
      }
      for (int32_t q = p; q < n_points && q < p + kTfdgsuSide; ++q) {
        for (int32_t o = 0; o < n_out; ++o) {
          for (int32_t j = i; j < n && j < i + kTfdgsuSide; ++j) {
            sums[q][j] = tfdgsu_multiply_add(panel->dy[q][o], panel->w[o][j], sums[q][j]);
          }
        }
      }
    }
  }
}

// sums[p][i] += sum over o < out_c of dy[p*out_c+o] * (scales[o] * w[o*w_stride+i]) for n_points positions
// and n channels.
static inline void tfdgsu_add_points(float sums[kTfdgsuPoints][kTfdgsuPointTile], const float* dy,
                                     const int8_t* w, const float* scales, int32_t out_c,
                                     int32_t w_stride, int32_t n_points, int32_t n) {
  TfdgsuPanel panel;
  for (int32_t o = 0; o < out_c; o += kTfdgsuPanel) {
    const int32_t n_out = out_c - o < kTfdgsuPanel ? out_c - o : kTfdgsuPanel;
    tfdgsu_load_panel(&panel, dy + o, w + o * w_stride, scales + o, out_c, w_stride, n_out, n_points, n);
    tfdgsu_add_panel(sums, &panel, n_out, n_points, n);
  }
}

// The same where an overlay's weights count in place of w for its channels; sums[p][0] is of channel `first`.
static inline void tfdgsu_add_points_overlaid(float sums[kTfdgsuPoints][kTfdgsuPointTile],
                                              const float* dy, const int8_t* w,
                                              const TfdgsuOverlayI8* overlay, int32_t first,
                                              const float* scales, int32_t out_c, int32_t w_stride,
                                              int32_t n_points, int32_t n) {
  const TfdgsuRange run = tfdgsu_overlay_run(overlay, first, n);
  const int32_t n_own = run.end - run.begin;
  const int32_t* at = n_own ? overlay->channels + run.begin : overlay->channels;
  float own[kTfdgsuPoints][kTfdgsuPointTile];
  for (int32_t p = 0; p < n_points; ++p) {
    for (int32_t j = 0; j < n_own; ++j) own[p][j] = sums[p][at[j] - first];
  }
  tfdgsu_add_points(sums, dy, w, scales, out_c, w_stride, n_points, n);
  if (n_own == 0) return;
  tfdgsu_add_points(own, dy, overlay->w + run.begin, scales, out_c, overlay->n_channels, n_points,
                    n_own);
  for (int32_t p = 0; p < n_points; ++p) {
    for (int32_t j = 0; j < n_own; ++j) sums[p][at[j] - first] = own[p][j];
  }
}

#endif  // TFDGSU_KERNELS_POINTWISE_H_
