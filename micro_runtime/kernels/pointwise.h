// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The innermost loop of input gradients of pointwise convolutions with int8 weights: 4 image positions
// are summed together, because they share the conversion of w.

#ifndef TFDGSU_KERNELS_POINTWISE_H_
#define TFDGSU_KERNELS_POINTWISE_H_

#include <stdint.h>

enum { kTfdgsuPoints = 4, kTfdgsuPointTile = 8 };

// sums[p][i] += sum over o < out_c of (dy[p*out_c+o] * scales[o]) * w[o*w_stride+i] for n_points positions
// and n channels.
static inline void tfdgsu_add_points_of(float sums[kTfdgsuPoints][kTfdgsuPointTile], const float* dy,
                                        const int8_t* w, const float* scales, int32_t out_c,
                                        int32_t w_stride, int32_t n_points, int32_t n) {
  for (int32_t o = 0; o < out_c; ++o) {
    float real[kTfdgsuPointTile];
    for (int32_t i = 0; i < n; ++i) real[i] = (float)w[o * w_stride + i];
    for (int32_t p = 0; p < n_points; ++p) {
      const float scaled = dy[p * out_c + o] * scales[o];
      for (int32_t i = 0; i < n; ++i) sums[p][i] += scaled * real[i];
    }
  }
}

// The same; a full tile has constant trip counts.
static inline void tfdgsu_add_points(float sums[kTfdgsuPoints][kTfdgsuPointTile], const float* dy,
                                     const int8_t* w, const float* scales, int32_t out_c,
                                     int32_t w_stride, int32_t n_points, int32_t n) {
  if (n_points == kTfdgsuPoints && n == kTfdgsuPointTile) {
    tfdgsu_add_points_of(sums, dy, w, scales, out_c, w_stride, kTfdgsuPoints, kTfdgsuPointTile);
  } else {
    tfdgsu_add_points_of(sums, dy, w, scales, out_c, w_stride, n_points, n);
  }
}

#endif  // TFDGSU_KERNELS_POINTWISE_H_
