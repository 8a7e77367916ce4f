// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_mul_grad_f32(float* dx, const float* dy, const float* a, int32_t rows, int32_t c) {
  for (int32_t r = 0; r < rows; ++r) {
    for (int32_t i = 0; i < c; ++i) dx[r * c + i] = dy[r * c + i] * a[i];
  }
}
