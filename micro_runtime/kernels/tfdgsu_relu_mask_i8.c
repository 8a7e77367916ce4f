// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <math.h>

#include "tfdgsu/kernels.h"

// Integers beyond [-129, 128] compare with an int8 as these limits do.
static int32_t within(float value) {
  if (value > 128.0f) return 128;
  return value < -129.0f ? -129 : (int32_t)value;
}

void tfdgsu_relu_mask_i8(uint8_t* bits, const int8_t* y, float low, float high, int32_t n) {
  // For whole y: low < y if and only if floor(low) < y, y < high if and only if y < ceil(high).
  const int32_t above = within(floorf(low)), below = within(ceilf(high));
  for (int32_t first = 0; first < n; first += 8) {
    const int32_t count = n - first < 8 ? n - first : 8;
    unsigned byte = 0;
    for (int32_t i = 0; i < count; ++i) {
      const int32_t value = y[first + i];
      byte |= (unsigned)(above < value && value < below) << i;
    }
    bits[first >> 3] = (uint8_t)byte;
  }
}
