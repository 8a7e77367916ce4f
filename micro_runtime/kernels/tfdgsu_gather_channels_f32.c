// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_gather_channels_f32(float* x_sel, const float* x, const int32_t* channels,
                                int32_t rows, int32_t c, int32_t k) {
  for (int32_t r = 0; r < rows; ++r) {
    for (int32_t j = 0; j < k; ++j) x_sel[r * k + j] = x[r * c + channels[j]];
  }
}
