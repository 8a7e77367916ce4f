// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// One integer weight's SGD step: velocity, units, rounding and saturation. Shared by the filter and bias
// gradients of int8 layers; the sequence of operations is part of their contract.

#ifndef TFDGSU_KERNELS_INTEGER_UPDATE_H_
#define TFDGSU_KERNELS_INTEGER_UPDATE_H_

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "mix32.h"
#include "multiply_add.h"
#include "tfdgsu/kernels.h"

enum { kTfdgsuInt8Limit = 127, kTfdgsuInt32Limit = 1 << 30 };

static inline int32_t tfdgsu_clamp(int32_t value, int32_t limit) {
  return value > limit ? limit : value < -limit ? -limit : value;
}

// Computes the step in units of `scale`, cut to +-1e6, and moves the velocity (may be NULL). False, and
// nothing moved, when the step or its units are not finite.
static inline int tfdgsu_units_of_step(float* units, float* velocity, float gradient, float scale,
                                       const TfdgsuSgd* sgd) {
  float value, moved = 0.0f;
  if (velocity) {
    const float step = sgd->learning_rate * gradient;
    moved = sgd->momentum * *velocity - step;
    const float delta = sgd->nesterov ? sgd->momentum * moved - step : moved;
    value = delta * (1.0f / scale);
    if (!(fabsf(step) <= FLT_MAX)) return 0;
  } else {
    value = gradient * -(sgd->learning_rate / scale);
  }
  if (!(fabsf(value) <= FLT_MAX)) return 0;
  if (velocity) *velocity = moved;
  *units = value > 1e6f ? 1e6f : value < -1e6f ? -1e6f : value;
  return 1;
}

static inline uint32_t tfdgsu_float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// Nearest whole number, half to even, of a value in +-2^22: the low bits of its sum with 1.5 * 2^23. Below them
// is 0, so that the number's low byte is that of all bits.
#define TFDGSU_WHOLE_ZERO 0x4B400000u
static inline uint32_t tfdgsu_whole_bits(float value) { return tfdgsu_float_bits(value + 12582912.0f); }
static inline int32_t tfdgsu_whole(float value) { return (int32_t)(tfdgsu_whole_bits(value) - TFDGSU_WHOLE_ZERO); }

// units + u, for a random number of 32 bits. Rounded once, as the product is exact.
static inline float tfdgsu_add_chance(float units, uint32_t random) {
  const int32_t odd = ((int32_t)random >> 8) | 1;
  return tfdgsu_multiply_add((float)odd, 5.9604644775390625e-8f, units);
}

// The key of this update's random numbers, those before first_idx skipped.
static inline uint32_t tfdgsu_update_key(const TfdgsuIntegerSgd* update, uint32_t layer_offset) {
  const uint32_t layer_id = update->layer_id + layer_offset;
  return tfdgsu_skip_random(tfdgsu_random_key(update->seed, layer_id, update->step), update->first_idx);
}

// Moves one weight by units of at most 1e6, with chance already added; by 256ths unless remainder is NULL.
static inline void tfdgsu_step_units(int8_t* w, int8_t* remainder, float units) {
  if (!remainder) {
    *w = (int8_t)tfdgsu_clamp(*w + tfdgsu_whole(units), kTfdgsuInt8Limit);
    return;
  }
  // Of 2^22 256ths, every weight comes to its limit.
  const float fine = units * 256.0f;
  const int32_t step = tfdgsu_whole(fine > 4194304.0f ? 4194304.0f : fine < -4194304.0f ? -4194304.0f : fine);
  const int32_t total = tfdgsu_clamp(*w * 256 + *remainder + step, kTfdgsuInt8Limit * 256);
  // Floor of (total + 128) / 256: the shifted numerator is positive.
  const int32_t whole = ((total + 128 + 128 * 256) >> 8) - 128;
  *w = (int8_t)whole;
  *remainder = (int8_t)(total - whole * 256);
}

// Weight number idx of w; remainder as w, or NULL; velocity of this weight, or NULL.
static inline void tfdgsu_int8_step(int8_t* w, int8_t* remainder, int32_t idx, float* velocity,
                                    float gradient, float scale, uint32_t key,
                                    const TfdgsuIntegerSgd* update) {
  float units;
  if (!tfdgsu_units_of_step(&units, velocity, gradient, scale, &update->sgd)) return;
  if (update->rounding == kTfdgsuStochastic) {
    units = tfdgsu_add_chance(units, tfdgsu_random(key, (uint32_t)idx));
  }
  tfdgsu_step_units(w + idx, update->rounding == kTfdgsuRemainder ? remainder + idx : NULL, units);
}

// Bias number idx of b; keeps no remainder, its unit is small enough to round by chance.
static inline void tfdgsu_int32_step(int32_t* b, int32_t idx, float* velocity, float gradient,
                                     float scale, uint32_t key, const TfdgsuIntegerSgd* update) {
  float units;
  if (!tfdgsu_units_of_step(&units, velocity, gradient, scale, &update->sgd)) return;
  if (update->rounding != kTfdgsuNearest) {
    units = tfdgsu_add_chance(units, tfdgsu_random(key, (uint32_t)idx));
  }
  const int32_t step = tfdgsu_whole(units);
  // |b| below 2^30 plus a step below 2^20 fits. A bias from elsewhere is cut first.
  b[idx] = tfdgsu_clamp(tfdgsu_clamp(b[idx], kTfdgsuInt32Limit) + step, kTfdgsuInt32Limit);
}

#endif  // TFDGSU_KERNELS_INTEGER_UPDATE_H_
