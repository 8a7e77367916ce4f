// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "epilogue.h"
#include "tfdgsu/kernels.h"

void tfdgsu_mean_grad_f32(float* dx, const float* dy, const TfdgsuEpilogue* epilogue,
                          int32_t outer, int32_t reduced, int32_t inner) {
  const float share = 1.0f / (float)reduced;
  for (int32_t o = 0; o < outer; ++o) {
    for (int32_t r = 0; r < reduced; ++r) {
      const int32_t row = (o * reduced + r) * inner;
      for (int32_t i = 0; i < inner; ++i) {
        const float value = share * dy[o * inner + i];
        tfdgsu_store_sums(dx, &value, row + i, 1, epilogue);
      }
    }
  }
}
