// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_softmax_grad_f32(float* dx, const float* y, const float* dy, int32_t rows, int32_t c) {
  for (int32_t r = 0; r < rows; ++r, dx += c, y += c, dy += c) {
    float dot = 0.0f;
    for (int32_t i = 0; i < c; ++i) dot += dy[i] * y[i];
    for (int32_t i = 0; i < c; ++i) dx[i] = (dy[i] - dot) * y[i];
  }
}
