// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What the crossentropy losses share.

#ifndef TFDGSU_KERNELS_PROBABILITY_H_
#define TFDGSU_KERNELS_PROBABILITY_H_

#include <stdint.h>

#include "deterministic_math.h"

// Keras' epsilon, and 1 - epsilon as float32 rounds it.
static const float kTfdgsuProbabilityMin = 1e-7f;
static const float kTfdgsuProbabilityMax = 0.9999999f;

static inline float tfdgsu_clip_probability(float p) {
  if (p < kTfdgsuProbabilityMin) return kTfdgsuProbabilityMin;
  // Written so that NaN passes through.
  return p > kTfdgsuProbabilityMax ? kTfdgsuProbabilityMax : p;
}

// Does the gradient pass the clip?
static inline int tfdgsu_is_unclipped(float p) {
  return p >= kTfdgsuProbabilityMin && p <= kTfdgsuProbabilityMax;
}

static inline float tfdgsu_max_of(const float* z, int32_t n) {
  float maximum = z[0];
  for (int32_t i = 1; i < n; ++i) maximum = z[i] > maximum ? z[i] : maximum;
  return maximum;
}

// Sum of exp(z[i] - maximum).
static inline float tfdgsu_sum_of_exp(const float* z, float maximum, int32_t n) {
  float sum = 0.0f;
  for (int32_t i = 0; i < n; ++i) sum += tfdgsu_exp(z[i] - maximum);
  return sum;
}

#endif  // TFDGSU_KERNELS_PROBABILITY_H_
