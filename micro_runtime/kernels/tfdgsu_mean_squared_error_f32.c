// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

float tfdgsu_mean_squared_error_f32(float* dy, const float* y_pred, const float* label,
                                    int32_t batches, int32_t n) {
  const int32_t count = batches * n;
  const float scale = 2.0f / (float)count;
  float total = 0.0f;
  for (int32_t i = 0; i < count; ++i) {
    const float error = y_pred[i] - label[i];
    total += error * error;
    dy[i] = scale * error;
  }
  return total / (float)count;
}
