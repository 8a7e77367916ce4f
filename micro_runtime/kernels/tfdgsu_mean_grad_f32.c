// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_mean_grad_f32(float* dx, const float* dy, int32_t outer, int32_t reduced,
                          int32_t inner) {
  const float share = 1.0f / (float)reduced;
  for (int32_t o = 0; o < outer; ++o) {
    for (int32_t r = 0; r < reduced; ++r) {
      float* dx_row = dx + (o * reduced + r) * inner;
      for (int32_t i = 0; i < inner; ++i) dx_row[i] = share * dy[o * inner + i];
    }
  }
}
