// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <stddef.h>

#include "multiply_add.h"
#include "sgd.h"
#include "tfdgsu/kernels.h"

void tfdgsu_fully_connected_grad_filter_f32(float* w, float* velocity, const float* x,
                                            const float* dy, const int32_t* channels,
                                            const TfdgsuSgd* sgd, int32_t batches,
                                            int32_t selected, int32_t inputs, int32_t outputs) {
  for (int32_t o = 0; o < outputs; ++o) {
    for (int32_t j = 0; j < selected; ++j) {
      float sum = 0.0f;
      for (int32_t b = 0; b < batches; ++b) {
        sum = tfdgsu_multiply_add(dy[b * outputs + o], x[b * selected + j], sum);
      }
      float* v = velocity ? velocity + o * selected + j : NULL;
      tfdgsu_sgd_step(w + o * inputs + (channels ? channels[j] : j), v, sum, sgd);
    }
  }
}
