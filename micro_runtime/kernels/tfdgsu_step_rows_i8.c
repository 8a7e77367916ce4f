// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels_int8.h. Bit for bit what integer_update.h does one by one. Where a weight stays within its
// limits, its step was small: the sum that rounds it shows others far away from there.

#include <stddef.h>

#include "compiler.h"
#include "integer_update.h"
#include "multiply_add.h"
#include "register_tile.h"
#include "tfdgsu/kernels.h"

// Moves one weight that may come to a limit, or whose units may be anything. remainder or NULL.
TFDGSU_TILE void step_far(int8_t* w, int8_t* remainder, float units) {
  if (!(fabsf(units) <= FLT_MAX)) return;
  tfdgsu_step_units(w, remainder, units > 1e6f ? 1e6f : units < -1e6f ? -1e6f : units);
}

TFDGSU_INLINE void move_weight(int8_t* w, float units) {
  const uint32_t weight = (uint32_t)(int32_t)*w, moved = tfdgsu_whole_bits(units) + weight;
  if (moved - (TFDGSU_WHOLE_ZERO - (uint32_t)kTfdgsuInt8Limit) <= 2u * kTfdgsuInt8Limit) {
    *(uint8_t*)w = (uint8_t)moved;
  } else {
    step_far(w, NULL, units);
  }
}

// By gradient * fine 256ths, fine = 256 * factor. The two low bytes of TFDGSU_WHOLE_ZERO are 0.
TFDGSU_INLINE void move_finely(int8_t* w, int8_t* remainder, float gradient, float fine, float factor) {
  const uint32_t limit = (uint32_t)kTfdgsuInt8Limit * 256;
  const uint32_t moved = (uint32_t)(*w * 256 + *remainder) + tfdgsu_whole_bits(gradient * fine);
  if (moved - (TFDGSU_WHOLE_ZERO - limit) <= 2 * limit) {
    *(uint8_t*)w = (uint8_t)((moved + 128) >> 8);
    *(uint8_t*)remainder = (uint8_t)moved;
  } else {
    step_far(w, remainder, gradient * factor);
  }
}

// Puts units in place of the gradients of n rows and moves their velocities. NaN where there is no step.
TFDGSU_TILE void move_velocities(const TfdgsuRowsOfWeights* rows, float* gradients, int32_t n) {
  for (int32_t i = 0; i < n; ++i) {
    float* v = rows->velocity + i * rows->v_stride;
    for (int32_t j = 0; j < 4; ++j, ++gradients) {
      const float scale = rows->scales[i];
      if (!tfdgsu_units_of_step(gradients, v + j, *gradients, scale, &rows->update->sgd)) *gradients = NAN;
    }
  }
}

// Steps n rows by gradients [n,4] with factors rate / scale.
TFDGSU_INLINE void move_rows(const TfdgsuRowsOfWeights* rows, float* gradients, const float* scale,
                             int32_t scale_step, float rate, int32_t n, int rounding) {
  const int32_t c0 = rows->columns[0], c1 = rows->columns[1], c2 = rows->columns[2], c3 = rows->columns[3];
  const int32_t stride = rows->stride;
  const uint32_t step = TFDGSU_RANDOM_STEP;
  uint32_t key = rows->key + (uint32_t)rows->first * step;
  int8_t *w = rows->w + rows->first, *r = rounding == kTfdgsuRemainder ? rows->remainder + rows->first : w;
  for (const float* const end = gradients + 4 * n; gradients != end; gradients += 4, w += stride) {
    const float factor = rate / *scale;
    const float g0 = gradients[0], g1 = gradients[1], g2 = gradients[2], g3 = gradients[3];
    scale += scale_step;
    if (rounding == kTfdgsuRemainder) {
      const float fine = factor * 256.0f;
      move_finely(w + c0, r + c0, g0, fine, factor);
      move_finely(w + c1, r + c1, g1, fine, factor);
      move_finely(w + c2, r + c2, g2, fine, factor);
      move_finely(w + c3, r + c3, g3, fine, factor);
      r += stride;
    } else if (rounding == kTfdgsuStochastic) {
      const float u0 = tfdgsu_add_chance(g0 * factor, tfdgsu_mix32(key + (uint32_t)c0 * step));
      const float u1 = tfdgsu_add_chance(g1 * factor, tfdgsu_mix32(key + (uint32_t)c1 * step));
      const float u2 = tfdgsu_add_chance(g2 * factor, tfdgsu_mix32(key + (uint32_t)c2 * step));
      const float u3 = tfdgsu_add_chance(g3 * factor, tfdgsu_mix32(key + (uint32_t)c3 * step));
      // Compilers make vectors of what is stored.
      if (!kTfdgsuHasSpecialLoops) gradients[0] = u0, gradients[1] = u1, gradients[2] = u2, gradients[3] = u3;
      move_weight(w + c0, u0);
      move_weight(w + c1, u1);
      move_weight(w + c2, u2);
      move_weight(w + c3, u3);
      key += (uint32_t)stride * step;
    } else {
      move_weight(w + c0, g0 * factor);
      move_weight(w + c1, g1 * factor);
      move_weight(w + c2, g2 * factor);
      move_weight(w + c3, g3 * factor);
    }
  }
}
TFDGSU_TILE void move_rows_to_nearest(const TfdgsuRowsOfWeights* rows, float* gradients, const float* scale,
                                      int32_t scale_step, float rate, int32_t n) {
  move_rows(rows, gradients, scale, scale_step, rate, n, kTfdgsuNearest);
}
TFDGSU_TILE void move_rows_by_chance(const TfdgsuRowsOfWeights* rows, float* gradients, const float* scale,
                                     int32_t scale_step, float rate, int32_t n) {
  move_rows(rows, gradients, scale, scale_step, rate, n, kTfdgsuStochastic);
}
TFDGSU_TILE void move_rows_finely(const TfdgsuRowsOfWeights* rows, float* gradients, const float* scale,
                                  int32_t scale_step, float rate, int32_t n) {
  move_rows(rows, gradients, scale, scale_step, rate, n, kTfdgsuRemainder);
}

void tfdgsu_step_rows_i8(const TfdgsuRowsOfWeights* rows, float* gradients, int32_t n) {
  static const float kOne = 1.0f;  // the scale of units
  const float* scale = rows->scales;
  int32_t scale_step = 1;
  float rate = -rows->update->sgd.learning_rate;
  if (rows->velocity) move_velocities(rows, gradients, n);
  if (rows->velocity || !scale) {
    scale = &kOne, scale_step = 0, rate = 1.0f;
  }
  if (rows->update->rounding == kTfdgsuStochastic) {
    move_rows_by_chance(rows, gradients, scale, scale_step, rate, n);
  } else if (rows->update->rounding == kTfdgsuRemainder) {
    move_rows_finely(rows, gradients, scale, scale_step, rate, n);
  } else {
    move_rows_to_nearest(rows, gradients, scale, scale_step, rate, n);
  }
}
