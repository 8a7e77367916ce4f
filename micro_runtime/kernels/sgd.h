// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// One weight's SGD step, shared by the filter and bias gradients.

#ifndef TFDGSU_KERNELS_SGD_H_
#define TFDGSU_KERNELS_SGD_H_

#include "multiply_add.h"
#include "tfdgsu/kernels.h"

// velocity may be NULL.
static inline void tfdgsu_sgd_step(float* w, float* velocity, float gradient,
                                   const TfdgsuSgd* sgd) {
  if (!velocity) {
    *w = tfdgsu_multiply_add(-sgd->learning_rate, gradient, *w);
    return;
  }
  const float step = sgd->learning_rate * gradient;
  *velocity = sgd->momentum * *velocity - step;
  *w += sgd->nesterov ? sgd->momentum * *velocity - step : *velocity;
}

#endif  // TFDGSU_KERNELS_SGD_H_
