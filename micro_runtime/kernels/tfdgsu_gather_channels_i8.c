// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Four channels go through all rows together.

#include "tfdgsu/kernels.h"

void tfdgsu_gather_channels_i8(int8_t* x_sel, const int8_t* x, const int32_t* channels,
                                const int32_t* pool, int32_t rows, int32_t c, int32_t k) {
  for (int32_t j = 0; j < k; j += kTfdgsuLanes) {
    const int32_t n = k - j < kTfdgsuLanes ? k - j : kTfdgsuLanes;
    int32_t own[kTfdgsuLanes] = {0};
    for (int32_t i = 0; i < n; ++i) own[i] = pool ? pool[channels[j + i]] : channels[j + i];
    const int32_t c0 = own[0], c1 = own[1], c2 = own[2], c3 = own[3];
    const int8_t* from = x;
    int8_t* to = x_sel + j;
    if (n == kTfdgsuLanes) {
      for (int32_t r = 0; r < rows; ++r, from += c, to += k) {
        to[0] = from[c0];
        to[1] = from[c1];
        to[2] = from[c2];
        to[3] = from[c3];
      }
    } else {
      for (int32_t r = 0; r < rows; ++r, from += c, to += k) {
        for (int32_t i = 0; i < n; ++i) to[i] = from[own[i]];
      }
    }
  }
}
