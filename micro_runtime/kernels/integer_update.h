// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// One integer weight's SGD step: velocity, units, rounding and saturation. Shared by the filter and bias
// gradients of int8 layers; the sequence of operations is part of their contract.

#ifndef TFDGSU_KERNELS_INTEGER_UPDATE_H_
#define TFDGSU_KERNELS_INTEGER_UPDATE_H_

#include <float.h>
#include <math.h>

#include "mix32.h"
#include "tfdgsu/kernels.h"

enum { kTfdgsuInt8Limit = 127, kTfdgsuInt32Limit = 1 << 30 };

static inline int32_t tfdgsu_clamp(int32_t value, int32_t limit) {
  return value > limit ? limit : value < -limit ? -limit : value;
}

// Computes the step in units of `scale`, cut to +-1e6, and moves the velocity (may be NULL). False, and
// nothing moved, when the gradient is not finite or the step has no value.
static inline int tfdgsu_units_of_step(float* units, float* velocity, float gradient, float scale,
                                       const TfdgsuSgd* sgd) {
  const float step = sgd->learning_rate * gradient;
  if (!velocity) {
    const float plain = -step / scale;
    if (fabsf(plain) < 1e6f) {  // the usual case: then step is finite
      *units = plain;
      return 1;
    }
  }
  if (!(fabsf(step) <= FLT_MAX)) return 0;
  float delta = -step, moved = 0.0f;
  if (velocity) {
    moved = sgd->momentum * *velocity - step;
    delta = sgd->nesterov ? sgd->momentum * moved - step : moved;
  }
  const float value = delta / scale;
  if (value != value) return 0;
  if (velocity) *velocity = moved;
  *units = value > 1e6f ? 1e6f : value < -1e6f ? -1e6f : value;
  return 1;
}

// Greatest integer not above a value in +-2^30.
static inline int32_t tfdgsu_floor(float value) {
  const int32_t truncated = (int32_t)value;
  return (float)truncated > value ? truncated - 1 : truncated;
}

// Whole units of a step of at most 1e6: to the nearest, half to even, or by chance.
static inline int32_t tfdgsu_round_units(float units, uint32_t key, int32_t idx, int32_t rounding) {
  if (rounding == kTfdgsuNearest) return (int32_t)rintf(units);
  const float uniform = (float)(tfdgsu_random(key, (uint32_t)idx) >> 8) * 5.9604644775390625e-8f;
  return tfdgsu_floor(units + uniform);
}

// The key of this update's random numbers, those before first_idx skipped.
static inline uint32_t tfdgsu_update_key(const TfdgsuIntegerSgd* update, uint32_t layer_offset) {
  const uint32_t layer_id = update->layer_id + layer_offset;
  return tfdgsu_skip_random(tfdgsu_random_key(update->seed, layer_id, update->step), update->first_idx);
}

// Weight number idx of w; remainder as w, or NULL; velocity of this weight, or NULL.
static inline void tfdgsu_int8_step(int8_t* w, int8_t* remainder, int32_t idx, float* velocity,
                                    float gradient, float scale, uint32_t key,
                                    const TfdgsuIntegerSgd* update) {
  float units;
  if (!tfdgsu_units_of_step(&units, velocity, gradient, scale, &update->sgd)) return;
  if (update->rounding != kTfdgsuRemainder) {
    // Below 2^20: units are at most 1e6.
    const int32_t moved = w[idx] + tfdgsu_round_units(units, key, idx, update->rounding);
    w[idx] = (int8_t)tfdgsu_clamp(moved, kTfdgsuInt8Limit);
    return;
  }
  // In 256ths of a unit, below 2^28.
  const int32_t moved = w[idx] * 256 + remainder[idx] + (int32_t)rintf(units * 256.0f);
  const int32_t total = tfdgsu_clamp(moved, kTfdgsuInt8Limit * 256);
  // Floor of (total + 128) / 256: the shifted numerator is positive.
  const int32_t whole = ((total + 128 + 128 * 256) >> 8) - 128;
  w[idx] = (int8_t)whole;
  remainder[idx] = (int8_t)(total - whole * 256);
}

// Bias number idx of b; keeps no remainder, its unit is small enough to round by chance.
static inline void tfdgsu_int32_step(int32_t* b, int32_t idx, float* velocity, float gradient,
                                     float scale, uint32_t key, const TfdgsuIntegerSgd* update) {
  float units;
  if (!tfdgsu_units_of_step(&units, velocity, gradient, scale, &update->sgd)) return;
  const int32_t step = tfdgsu_round_units(units, key, idx, update->rounding);
  // |b| below 2^30 plus a step below 2^20 fits. A bias from elsewhere is cut first.
  b[idx] = tfdgsu_clamp(tfdgsu_clamp(b[idx], kTfdgsuInt32Limit) + step, kTfdgsuInt32Limit);
}

#endif  // TFDGSU_KERNELS_INTEGER_UPDATE_H_
