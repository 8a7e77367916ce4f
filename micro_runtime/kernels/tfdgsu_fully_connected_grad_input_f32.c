// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "epilogue.h"
#include "multiply_add.h"
#include "tfdgsu/kernels.h"

enum { kTile = 16 };

static inline void add_scaled(float* sums, const float* w, float scale, int32_t n) {
  for (int32_t i = 0; i < n; ++i) sums[i] = tfdgsu_multiply_add(scale, w[i], sums[i]);
}

void tfdgsu_fully_connected_grad_input_f32(float* dx, const float* dy, const float* w,
                                           const TfdgsuEpilogue* epilogue, int32_t batches,
                                           int32_t inputs, int32_t outputs) {
  for (int32_t b = 0; b < batches; ++b) {
    const float* dy_row = dy + b * outputs;
    for (int32_t first = 0; first < inputs; first += kTile) {
      const int32_t n = inputs - first < kTile ? inputs - first : kTile;
      float sums[kTile] = {0.0f};
      for (int32_t o = 0; o < outputs; ++o) {
        const float* w_row = w + o * inputs + first;
        if (n == kTile) {
          add_scaled(sums, w_row, dy_row[o], kTile);
        } else {
          add_scaled(sums, w_row, dy_row[o], n);
        }
      }
      tfdgsu_store_sums(dx, sums, b * inputs + first, n, epilogue);
    }
  }
}
