// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_logistic_grad_f32(float* dx, const float* y, const float* dy, int32_t n) {
  for (int32_t i = 0; i < n; ++i) dx[i] = dy[i] * y[i] * (1.0f - y[i]);
}
