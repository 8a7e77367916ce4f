// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <stddef.h>
#include <string.h>

#include "tfdgsu/kernels.h"

void tfdgsu_reduce_max_mask_i8(uint8_t* bits, const int8_t* x, const int8_t* y, int32_t outer,
                               int32_t reduced, int32_t inner) {
  const int32_t n = outer * reduced * inner;
  memset(bits, 0, (size_t)((n - 1) / 8 + 1));
  for (int32_t at = 0; at < n; ++at) {
    const int32_t maximum = y[at / (reduced * inner) * inner + at % inner];
    if (x[at] == maximum) bits[at >> 3] = (uint8_t)(bits[at >> 3] | 1u << (at & 7));
  }
}
