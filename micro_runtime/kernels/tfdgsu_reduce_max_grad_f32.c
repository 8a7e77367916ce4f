// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Ties share the gradient, as in TensorFlow's reduce_max.

#include "tfdgsu/kernels.h"

static inline int32_t bit_at(const uint8_t* bits, int32_t at) {
  return (bits[at >> 3] >> (at & 7)) & 1;
}

void tfdgsu_reduce_max_grad_f32(float* dx, const float* dy, const uint8_t* bits, int32_t outer,
                                int32_t reduced, int32_t inner) {
  for (int32_t o = 0; o < outer; ++o) {
    for (int32_t i = 0; i < inner; ++i) {
      const int32_t start = o * reduced * inner + i;
      int32_t ties = 0;
      for (int32_t r = 0; r < reduced; ++r) ties += bit_at(bits, start + r * inner);
      // Without any bit nothing is written but zeros; 1 only avoids the division by zero.
      const float share = dy[o * inner + i] / (float)(ties > 0 ? ties : 1);
      for (int32_t r = 0; r < reduced; ++r) {
        dx[start + r * inner] = bit_at(bits, start + r * inner) ? share : 0.0f;
      }
    }
  }
}
