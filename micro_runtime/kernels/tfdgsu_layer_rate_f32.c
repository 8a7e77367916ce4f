// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <math.h>

#include "tfdgsu/kernels.h"

enum { kRunElements = 256 };

// Mean of (velocity / rate)^2.
static float mean_square(const float* velocity, float rate, int32_t n) {
  const float inverse = 1.0f / rate;
  float total = 0.0f;
  for (int32_t first = 0; first < n; first += kRunElements) {
    const int32_t end = n - first < kRunElements ? n : first + kRunElements;
    float run = 0.0f;
    for (int32_t i = first; i < end; ++i) {
      const float gradient = velocity[i] * inverse;
      run += gradient * gradient;
    }
    total += run;
  }
  return total / (float)n;
}

float tfdgsu_layer_rate_f32(float state[2], const float* velocity, float learning_rate,
                            const TfdgsuLayerRate* layer, int32_t n) {
  const float found = state[1] > 0.0f ? mean_square(velocity, state[1], n) : 0.0f;
  if (found > 0.0f) {
    state[0] = state[0] > 0.0f ? layer->beta * state[0] + layer->fresh_fraction * found : found;
  }
  const float scale = sqrtf(state[0] > 0.0f ? state[0] : 1e12f);
  state[1] = learning_rate * layer->size / scale;
  return state[1];
}
