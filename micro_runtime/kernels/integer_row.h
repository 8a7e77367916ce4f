// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// SGD steps of rows of 4 int8 weights, those of a row with one scale: bit for bit what integer_update.h does one by
// one, but without its branches as long as no step is extreme.

#ifndef TFDGSU_KERNELS_INTEGER_ROW_H_
#define TFDGSU_KERNELS_INTEGER_ROW_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "integer_update.h"
#include "multiply_add.h"
#include "register_tile.h"

// Weights that an update steps, and their scales: row i at w + i*stride with scales[i].
typedef struct {
  int8_t *w, *remainder;  // of the tensor; remainder NULL unless rounding is remainder
  float* velocity;        // of the rows, v_stride from one to the next, or NULL
  const float* scales;    // of the rows
  int32_t first, stride, v_stride;  // first: where in w the rows begin
  int32_t columns[4];               // of the row's weights
  uint32_t key;
  const TfdgsuIntegerSgd* update;
} TfdgsuRows;

#ifdef __GNUC__
#define TFDGSU_SPECIALIZED __attribute__((always_inline)) static inline
#else
#define TFDGSU_SPECIALIZED static inline
#endif

// Moves one weight by units below 2^22 in size; with remainder they are 256ths.
TFDGSU_SPECIALIZED void tfdgsu_move_weight(int8_t* w, int8_t* remainder, float units, int is_remainder) {
  if (is_remainder) {
    const int32_t limit = kTfdgsuInt8Limit * 256;
    int32_t total = *w * 256 + *remainder + tfdgsu_whole(units);
    if ((uint32_t)(total + limit) > 2 * (uint32_t)limit) total = total < 0 ? -limit : limit;
    *w = (int8_t)((total + 128) >> 8);
    *remainder = (int8_t)(uint8_t)total;
    return;
  }
  const int32_t old = *w;
  const uint32_t moved = tfdgsu_whole_bits(units) + (uint32_t)old;
  if (moved - (TFDGSU_WHOLE_ZERO - kTfdgsuInt8Limit) <= 2 * kTfdgsuInt8Limit) {
    *w = (int8_t)(uint8_t)moved;
  } else {
    *w = moved < TFDGSU_WHOLE_ZERO ? -kTfdgsuInt8Limit : kTfdgsuInt8Limit;
  }
}

// Whether 4 steps are below 2^22, where the sum of their squares is below 2^44. A NaN has greater bits.
static inline int tfdgsu_are_short(float u0, float u1, float u2, float u3) {
  const float squares =
      tfdgsu_multiply_add(u3, u3, tfdgsu_multiply_add(u2, u2, tfdgsu_multiply_add(u1, u1, u0 * u0)));
  return tfdgsu_float_bits(squares) < 0x55800000u;
}

// A row with an extreme step; its gradients, and what makes units of them.
TFDGSU_TILE void tfdgsu_step_extreme_row(const TfdgsuRows* rows, int32_t i, const float* gradients, float factor) {
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
TFDGSU_TILE void tfdgsu_move_velocities(const TfdgsuRows* rows, float* gradients, int32_t n) {
  for (int32_t i = 0; i < n; ++i) {
    float* v = rows->velocity + i * rows->v_stride;
    for (int32_t j = 0; j < 4; ++j, ++gradients) {
      if (!tfdgsu_units_of_step(gradients, v + j, *gradients, rows->scales[i], &rows->update->sgd)) *gradients = NAN;
    }
  }
}

// Puts units with their random numbers in place of the gradients of n rows.
TFDGSU_TILE void tfdgsu_add_chances(const TfdgsuRows* rows, float* gradients, const float* scale,
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
TFDGSU_SPECIALIZED void tfdgsu_move_rows(const TfdgsuRows* rows, const float* gradients, const float* scale,
                                         int32_t scale_step, float rate, int32_t n, int is_remainder) {
  const float per_unit = is_remainder ? 256.0f : 1.0f;
  const int32_t c0 = rows->columns[0], c1 = rows->columns[1], c2 = rows->columns[2], c3 = rows->columns[3];
  const int32_t stride = rows->stride;
  int8_t *w = rows->w + rows->first, *r = is_remainder ? rows->remainder + rows->first : w;
  for (int32_t i = 0; i < n; ++i) {
    const float factor = rate / *scale, fine = factor * per_unit;
    const float u0 = gradients[0] * fine, u1 = gradients[1] * fine;
    const float u2 = gradients[2] * fine, u3 = gradients[3] * fine;
    if (tfdgsu_are_short(u0, u1, u2, u3)) {
      tfdgsu_move_weight(w + c0, r + c0, u0, is_remainder);
      tfdgsu_move_weight(w + c1, r + c1, u1, is_remainder);
      tfdgsu_move_weight(w + c2, r + c2, u2, is_remainder);
      tfdgsu_move_weight(w + c3, r + c3, u3, is_remainder);
    } else {
      tfdgsu_step_extreme_row(rows, i, gradients, factor);
    }
    scale += scale_step, gradients += 4, w += stride;
    if (is_remainder) r += stride;
  }
}
TFDGSU_TILE void tfdgsu_move_rows_whole(const TfdgsuRows* rows, const float* gradients, const float* scale,
                                        int32_t scale_step, float rate, int32_t n) {
  tfdgsu_move_rows(rows, gradients, scale, scale_step, rate, n, 0);
}
TFDGSU_TILE void tfdgsu_move_rows_finely(const TfdgsuRows* rows, const float* gradients, const float* scale,
                                         int32_t scale_step, float rate, int32_t n) {
  tfdgsu_move_rows(rows, gradients, scale, scale_step, rate, n, 1);
}

// Steps n rows by their gradients [n,4], which are lost.
static inline void tfdgsu_step_rows(const TfdgsuRows* rows, float* gradients, int32_t n) {
  static const float kOne = 1.0f;  // the scale of units
  const float *scale = rows->scales;
  int32_t scale_step = 1;
  float rate = -rows->update->sgd.learning_rate;
  if (rows->velocity) {
    tfdgsu_move_velocities(rows, gradients, n);
    scale = &kOne, scale_step = 0, rate = 1.0f;
  }
  if (rows->update->rounding == kTfdgsuStochastic) {
    tfdgsu_add_chances(rows, gradients, scale, scale_step, rate, n);
    scale = &kOne, scale_step = 0, rate = 1.0f;
  }
  if (rows->update->rounding == kTfdgsuRemainder) {
    tfdgsu_move_rows_finely(rows, gradients, scale, scale_step, rate, n);
  } else {
    tfdgsu_move_rows_whole(rows, gradients, scale, scale_step, rate, n);
  }
}

#endif  // TFDGSU_KERNELS_INTEGER_ROW_H_
