// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "probability.h"
#include "tfdgsu/kernels.h"

// max(z, 0) - z*t + log(1 + exp(-|z|)) and sigmoid(z) - t, both without overflow.
static float loss_of_logit(float* dy, float z, float t) {
  const float decay = tfdgsu_exp(-fabsf(z));
  *dy = (z >= 0.0f ? 1.0f : decay) / (1.0f + decay) - t;
  // The comparison lets NaN through, which fmaxf would drop.
  return (z < 0.0f ? 0.0f : z) - z * t + tfdgsu_log1p(decay);
}

static float loss_of_probability(float* dy, float y, float t) {
  const float p = tfdgsu_clip_probability(y);
  *dy = tfdgsu_is_unclipped(y) ? (1.0f - t) / (1.0f - p) - t / p : 0.0f;
  return -(t * tfdgsu_log(p) + (1.0f - t) * tfdgsu_log(1.0f - p));
}

float tfdgsu_binary_crossentropy_f32(float* dy, const float* y_pred, const float* label,
                                     int32_t from_logits, int32_t batches, int32_t n) {
  float total = 0.0f;
  for (int32_t b = 0; b < batches; ++b) {
    float loss = 0.0f;
    for (int32_t i = b * n; i < (b + 1) * n; ++i) {
      loss += from_logits ? loss_of_logit(dy + i, y_pred[i], label[i])
                          : loss_of_probability(dy + i, y_pred[i], label[i]);
      dy[i] = dy[i] / (float)n / (float)batches;
    }
    total += loss / (float)n;
  }
  return total / (float)batches;
}
