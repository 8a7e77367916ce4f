// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_mask_run_i8(uint8_t* bits, int32_t begin, const int8_t* y, int32_t low, int32_t high,
                        int32_t n) {
  for (int32_t i = 0; i < n;) {
    const int32_t first = (begin + i) & 7;  // bits of the byte that earlier runs wrote
    const int32_t count = n - i < 8 - first ? n - i : 8 - first;
    unsigned byte = first ? bits[(begin + i) >> 3] & ((1u << first) - 1u) : 0u;
    for (int32_t k = 0; k < count; ++k) {
      byte |= (unsigned)(low < y[i + k] && y[i + k] < high) << (first + k);
    }
    bits[(begin + i) >> 3] = (uint8_t)byte;
    i += count;
  }
}
