// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <stddef.h>

#include "sgd.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

void tfdgsu_bias_grad_f32(float* b, float* velocity, const float* dy, int32_t rows, int32_t c,
                          const TfdgsuSgd* sgd) {
  for (int32_t first = 0; first < c; first += kTile) {
    const int32_t n = c - first < kTile ? c - first : kTile;
    float sums[kTile] = {0.0f};
    for (int32_t r = 0; r < rows; ++r) {
      const float* row = dy + r * c + first;
      for (int32_t i = 0; i < n; ++i) sums[i] += row[i];
    }
    for (int32_t i = 0; i < n; ++i) {
      tfdgsu_sgd_step(b + first + i, velocity ? velocity + first + i : NULL, sums[i], sgd);
    }
  }
}
