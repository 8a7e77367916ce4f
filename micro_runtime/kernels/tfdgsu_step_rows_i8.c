// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels_int8.h. Bit for bit what integer_update.h does one by one, but without its branches as long
// as no step is extreme.

#include <stddef.h>

#include "integer_update.h"
#include "multiply_add.h"
#include "register_tile.h"
#include "tfdgsu/kernels.h"

#ifdef __GNUC__
#define TFDGSU_SPECIALIZED __attribute__((always_inline)) static inline
#else
#define TFDGSU_SPECIALIZED static inline
#endif

// Moves one weight by units below 2^22 in size; with remainder they are 256ths.
TFDGSU_SPECIALIZED void move_weight(int8_t* w, int8_t* remainder, float units, int is_remainder) {
  if (is_remainder) {
    const int32_t limit = kTfdgsuInt8Limit * 256;
    int32_t total = *w * 256 + *remainder + tfdgsu_whole(units);
    if ((uint32_t)(total + limit) > 2 * (uint32_t)limit) total = total < 0 ? -limit : limit;
    *w = (int8_t)((total + 128) >> 8);
    *remainder = (int8_t)(uint8_t)total;
    return;
  }
  const uint32_t weight = (uint32_t)(int32_t)*w, moved = tfdgsu_whole_bits(units) + weight;
  if (moved - (TFDGSU_WHOLE_ZERO - (uint32_t)kTfdgsuInt8Limit) <= 2u * kTfdgsuInt8Limit) {
    *w = (int8_t)(uint8_t)moved;
  } else {
    *w = moved < TFDGSU_WHOLE_ZERO ? -kTfdgsuInt8Limit : kTfdgsuInt8Limit;
  }
}

// Whether 4 steps are below 2^22, where the sum of their squares is below 2^44. A NaN has greater bits.
static int are_short(float u0, float u1, float u2, float u3) {
  const float squares =
      tfdgsu_multiply_add(u3, u3, tfdgsu_multiply_add(u2, u2, tfdgsu_multiply_add(u1, u1, u0 * u0)));
  return tfdgsu_float_bits(squares) < 0x55800000u;
}

// A row with an extreme step; its gradients, and what makes units of them.
TFDGSU_TILE void step_extreme_row(const TfdgsuRowsOfWeights* rows, int32_t i, const float* gradients, float factor) {
  const int is_remainder = rows->update->rounding == kTfdgsuRemainder;
  const int32_t row = rows->first + i * rows->stride;
  for (int32_t j = 0; j < 4; ++j) {
    const int32_t at = row + rows->columns[j];
    const float units = gradients[j] * factor;
    if (!(fabsf(units) <= FLT_MAX)) continue;
    tfdgsu_step_units(rows->w + at, is_remainder ? rows->remainder + at : NULL,
                      units > 1e6f ? 1e6f : units < -1e6f ? -1e6f : units);
  }
}

// Puts units in place of the gradients of n rows and moves their velocities. NaN where there is no step.
TFDGSU_TILE void move_velocities(const TfdgsuRowsOfWeights* rows, float* gradients, int32_t n) {
  for (int32_t i = 0; i < n; ++i) {
    float* v = rows->velocity + i * rows->v_stride;
    for (int32_t j = 0; j < 4; ++j, ++gradients) {
      const float scale = rows->scales[i * rows->scale_step];
      if (!tfdgsu_units_of_step(gradients, v + j, *gradients, scale, &rows->update->sgd)) *gradients = NAN;
    }
  }
}

// Puts units with their random numbers in place of the gradients of n rows.
TFDGSU_TILE void add_chances(const TfdgsuRowsOfWeights* rows, float* gradients, const float* scale,
                                    int32_t scale_step, float rate, int32_t n) {
  const uint32_t first = rows->key + (uint32_t)rows->first * TFDGSU_RANDOM_STEP;
  const uint32_t stride = (uint32_t)rows->stride * TFDGSU_RANDOM_STEP;
  uint32_t r0 = first + (uint32_t)rows->columns[0] * TFDGSU_RANDOM_STEP;
  uint32_t r1 = first + (uint32_t)rows->columns[1] * TFDGSU_RANDOM_STEP;
  uint32_t r2 = first + (uint32_t)rows->columns[2] * TFDGSU_RANDOM_STEP;
  uint32_t r3 = first + (uint32_t)rows->columns[3] * TFDGSU_RANDOM_STEP;
  const float* const end = gradients + 4 * n;
  for (; gradients < end; gradients += 4) {
    const float factor = rate / *scale;
    gradients[0] = tfdgsu_add_chance(gradients[0] * factor, tfdgsu_mix32(r0));
    gradients[1] = tfdgsu_add_chance(gradients[1] * factor, tfdgsu_mix32(r1));
    gradients[2] = tfdgsu_add_chance(gradients[2] * factor, tfdgsu_mix32(r2));
    gradients[3] = tfdgsu_add_chance(gradients[3] * factor, tfdgsu_mix32(r3));
    r0 += stride, r1 += stride, r2 += stride, r3 += stride;
    scale += scale_step;
  }
}

// Steps n rows by gradients [n,4] with factors rate / scale.
TFDGSU_SPECIALIZED void move_rows(const TfdgsuRowsOfWeights* rows, const float* gradients, const float* scale,
                                         int32_t scale_step, float rate, int32_t n, int is_remainder) {
  const float per_unit = is_remainder ? 256.0f : 1.0f;
  const int32_t c0 = rows->columns[0], c1 = rows->columns[1], c2 = rows->columns[2], c3 = rows->columns[3];
  const int32_t stride = rows->stride;
  int8_t *w = rows->w + rows->first, *r = is_remainder ? rows->remainder + rows->first : w;
  for (int32_t i = 0; i < n; ++i) {
    const float factor = rate / *scale, fine = factor * per_unit;
    const float u0 = gradients[0] * fine, u1 = gradients[1] * fine;
    const float u2 = gradients[2] * fine, u3 = gradients[3] * fine;
    if (are_short(u0, u1, u2, u3)) {
      move_weight(w + c0, r + c0, u0, is_remainder);
      move_weight(w + c1, r + c1, u1, is_remainder);
      move_weight(w + c2, r + c2, u2, is_remainder);
      move_weight(w + c3, r + c3, u3, is_remainder);
    } else {
      step_extreme_row(rows, i, gradients, factor);
    }
    scale += scale_step, gradients += 4, w += stride;
    if (is_remainder) r += stride;
  }
}
TFDGSU_TILE void move_rows_whole(const TfdgsuRowsOfWeights* rows, const float* gradients, const float* scale,
                                        int32_t scale_step, float rate, int32_t n) {
  move_rows(rows, gradients, scale, scale_step, rate, n, 0);
}
TFDGSU_TILE void move_rows_finely(const TfdgsuRowsOfWeights* rows, const float* gradients, const float* scale,
                                         int32_t scale_step, float rate, int32_t n) {
  move_rows(rows, gradients, scale, scale_step, rate, n, 1);
}

void tfdgsu_step_rows_i8(const TfdgsuRowsOfWeights* rows, float* gradients, int32_t n) {
  static const float kOne = 1.0f;  // the scale of units
  const float *scale = rows->scales;
  int32_t scale_step = rows->scale_step;
  float rate = -rows->update->sgd.learning_rate;
  if (rows->velocity) {
    move_velocities(rows, gradients, n);
    scale = &kOne, scale_step = 0, rate = 1.0f;
  }
  if (rows->update->rounding == kTfdgsuStochastic) {
    add_chances(rows, gradients, scale, scale_step, rate, n);
    scale = &kOne, scale_step = 0, rate = 1.0f;
  }
  if (rows->update->rounding == kTfdgsuRemainder) {
    move_rows_finely(rows, gradients, scale, scale_step, rate, n);
  } else {
    move_rows_whole(rows, gradients, scale, scale_step, rate, n);
  }
}
