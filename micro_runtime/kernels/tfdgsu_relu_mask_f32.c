// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_relu_mask_f32(uint8_t* bits, const float* y, float low, float high, int32_t n) {
  for (int32_t first = 0; first < n; first += 8) {
    const int32_t count = n - first < 8 ? n - first : 8;
    unsigned byte = 0;
    for (int32_t i = 0; i < count; ++i) {
      const float value = y[first + i];
      byte |= (unsigned)(low < value && value < high) << i;
    }
    bits[first >> 3] = (uint8_t)byte;
  }
}
