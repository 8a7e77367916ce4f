// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "probability.h"
#include "tfdgsu/kernels.h"

// -log softmax(z)[label] and softmax(z) - onehot(label).
static float loss_of_logits(float* dy, const float* z, int32_t label, int32_t c) {
  const float maximum = tfdgsu_max_of(z, c);
  const float sum = tfdgsu_sum_of_exp(z, maximum, c);
  const float loss = tfdgsu_log(sum) - (z[label] - maximum);
  for (int32_t i = 0; i < c; ++i) dy[i] = tfdgsu_exp(z[i] - maximum) / sum;
  dy[label] -= 1.0f;
  return loss;
}

// The same with z = log(p), p the clipped probabilities: softmax(z) is p / sum(p).
static float loss_of_probabilities(float* dy, const float* y, int32_t label, int32_t c) {
  float sum = 0.0f;
  for (int32_t i = 0; i < c; ++i) sum += tfdgsu_clip_probability(y[i]);
  const float p_label = tfdgsu_clip_probability(y[label]);
  for (int32_t i = 0; i < c; ++i) dy[i] = tfdgsu_is_unclipped(y[i]) ? 1.0f / sum : 0.0f;
  if (tfdgsu_is_unclipped(y[label])) dy[label] -= 1.0f / p_label;
  return tfdgsu_log(sum) - tfdgsu_log(p_label);
}

float tfdgsu_sparse_categorical_crossentropy_f32(float* dy, const float* y_pred,
                                                 const int32_t* label, int32_t from_logits,
                                                 int32_t batches, int32_t c) {
  float total = 0.0f;
  for (int32_t b = 0; b < batches; ++b) {
    if (label[b] < 0 || label[b] >= c) return NAN;
    total += from_logits ? loss_of_logits(dy + b * c, y_pred + b * c, label[b], c)
                         : loss_of_probabilities(dy + b * c, y_pred + b * c, label[b], c);
  }
  for (int32_t i = 0; i < batches * c; ++i) dy[i] /= (float)batches;
  return total / (float)batches;
}
