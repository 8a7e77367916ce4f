// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "probability.h"
#include "tfdgsu/kernels.h"

// max(z, 0) - z*t + log(1 + exp(-|z|)) and sigmoid(z) - t, both without overflow.
static float loss_of_logit(float* dy, float z, float t) {
  const float decay = expf(-fabsf(z));
  *dy = (z >= 0.0f ? 1.0f : decay) / (1.0f + decay) - t;
  // The comparison lets NaN through, which fmaxf would drop.
  return (z < 0.0f ? 0.0f : z) - z * t + log1pf(decay);
}

static float loss_of_probability(float* dy, float y, float t) {
  const float p = tfdgsu_clip_probability(y);
  *dy = tfdgsu_is_unclipped(y) ? (1.0f - t) / (1.0f - p) - t / p : 0.0f;
  return -(t * logf(p) + (1.0f - t) * logf(1.0f - p));
}

float tfdgsu_binary_crossentropy_f32(float* dy, const float* y_pred, const float* label,
                                     int32_t from_logits, int32_t batches, int32_t n) {
  const int32_t count = batches * n;
  float total = 0.0f;
  for (int32_t i = 0; i < count; ++i) {
    total += from_logits ? loss_of_logit(dy + i, y_pred[i], label[i])
                         : loss_of_probability(dy + i, y_pred[i], label[i]);
    dy[i] /= (float)count;
  }
  return total / (float)count;
}
