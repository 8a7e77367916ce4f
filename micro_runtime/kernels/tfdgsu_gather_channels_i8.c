// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_gather_channels_i8(int8_t* x_sel, const int8_t* x, const int32_t* channels,
                                const int32_t* pool, int32_t rows, int32_t c, int32_t k) {
  for (int32_t j = 0; j < k; ++j) {
    const int32_t channel = pool ? pool[channels[j]] : channels[j];
    for (int32_t r = 0; r < rows; ++r) x_sel[r * k + j] = x[r * c + channel];
  }
}
