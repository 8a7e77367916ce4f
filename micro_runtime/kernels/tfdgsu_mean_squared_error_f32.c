// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

float tfdgsu_mean_squared_error_f32(float* dy, const float* y_pred, const float* label,
                                    int32_t batches, int32_t n) {
  const float scale = 2.0f / (float)n;
  float total = 0.0f;
  for (int32_t b = 0; b < batches; ++b) {
    float loss = 0.0f;
    for (int32_t i = b * n; i < (b + 1) * n; ++i) {
      const float error = y_pred[i] - label[i];
      loss += error * error;
      dy[i] = scale * error / (float)batches;
    }
    total += loss / (float)n;
  }
  return total / (float)batches;
}
