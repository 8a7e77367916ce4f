// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Converts int8 weights of some channels of a depthwise convolution for tfdgsu_depthwise_input_tile_f32.

#ifndef TFDGSU_KERNELS_DEPTHWISE_FILTER_I8_H_
#define TFDGSU_KERNELS_DEPTHWISE_FILTER_I8_H_

#include "tfdgsu/kernels.h"

// n channels of w, whose taps lie w_stride apart.
static inline void tfdgsu_convert_taps(TfdgsuLanes* to, const int8_t* w, int32_t w_stride, const float* scales,
                                       const TfdgsuTaps* taps, const TfdgsuWindow* s, int32_t n) {
  float own[kTfdgsuLanes] = {0.0f};
  int32_t lane[kTfdgsuLanes] = {0};
  for (int32_t i = 0; i < n; ++i) own[i] = scales[i], lane[i] = i;
  for (int32_t ky = taps->ky; ky < taps->ky + taps->rows; ++ky) {
    const int8_t* row = w + (ky * s->filter_w + taps->kx) * w_stride;
    for (int32_t phase = 0; phase < s->stride_w; ++phase) {
      for (int32_t kx = phase; kx < taps->columns; kx += s->stride_w, ++to) {
        const int8_t* at = row + kx * w_stride;
        to->lane[0] = own[0] * (float)at[0];
        to->lane[1] = own[1] * (float)at[lane[1]];
        to->lane[2] = own[2] * (float)at[lane[2]];
        to->lane[3] = own[3] * (float)at[lane[3]];
      }
    }
  }
}

#endif  // TFDGSU_KERNELS_DEPTHWISE_FILTER_I8_H_
