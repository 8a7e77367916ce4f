// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <stddef.h>

#include "integer_update.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

void tfdgsu_bias_grad_i32(int32_t* b, float* velocity, const float* scales, const float* dy,
                          int32_t rows, int32_t c, const TfdgsuIntegerSgd* update) {
  const uint32_t key = tfdgsu_update_key(update, 0x80000000u);
  for (int32_t first = 0; first < c; first += kTile) {
    const int32_t n = c - first < kTile ? c - first : kTile;
    float sums[kTile] = {0.0f};
    for (int32_t r = 0; r < rows; ++r) {
      const float* row = dy + r * c + first;
      for (int32_t i = 0; i < n; ++i) sums[i] += row[i];
    }
    for (int32_t i = 0; i < n; ++i) {
      const int32_t at = first + i;
      tfdgsu_int32_step(b, at, velocity ? velocity + at : NULL, sums[i], scales[at], key, update);
    }
  }
}
