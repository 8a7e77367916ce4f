// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_add_gradients_f32(float* c, const float* a, const float* b, int32_t n) {
  for (int32_t i = 0; i < n; ++i) c[i] = a[i] + b[i];
}
