// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "probability.h"
#include "tfdgsu/kernels.h"

// -sum(t * log softmax(z)); gradient softmax(z) * sum(t) - t.
static float loss_of_logits(float* dy, const float* z, const float* t, int32_t c) {
  const float maximum = tfdgsu_max_of(z, c);
  const float sum = tfdgsu_sum_of_exp(z, maximum, c), log_sum = tfdgsu_log(sum);
  float loss = 0.0f, weight = 0.0f;
  for (int32_t i = 0; i < c; ++i) {
    weight += t[i];
    loss -= t[i] * (z[i] - maximum - log_sum);
  }
  for (int32_t i = 0; i < c; ++i) dy[i] = tfdgsu_exp(z[i] - maximum) / sum * weight - t[i];
  return loss;
}

// -sum(t * log(clip(q))), q = y / sum(y). With d = dloss/dq: dloss/dy = (d - sum(d * q)) / sum(y).
static float loss_of_probabilities(float* dy, const float* y, const float* t, int32_t c) {
  float sum = 0.0f, loss = 0.0f, dot = 0.0f;
  for (int32_t i = 0; i < c; ++i) sum += y[i];
  for (int32_t i = 0; i < c; ++i) {
    const float q = tfdgsu_clip_probability(y[i] / sum);
    const float dq = tfdgsu_is_unclipped(y[i] / sum) ? -t[i] / q : 0.0f;
    loss -= t[i] * tfdgsu_log(q);
    dot += dq * (y[i] / sum);
    dy[i] = dq;
  }
  for (int32_t i = 0; i < c; ++i) dy[i] = (dy[i] - dot) / sum;
  return loss;
}

float tfdgsu_categorical_crossentropy_f32(float* dy, const float* y_pred, const float* label,
                                          int32_t from_logits, int32_t batches, int32_t c) {
  float total = 0.0f;
  for (int32_t b = 0; b < batches; ++b) {
    const int32_t at = b * c;
    total += from_logits ? loss_of_logits(dy + at, y_pred + at, label + at, c)
                         : loss_of_probabilities(dy + at, y_pred + at, label + at, c);
  }
  for (int32_t i = 0; i < batches * c; ++i) dy[i] /= (float)batches;
  return total / (float)batches;
}
