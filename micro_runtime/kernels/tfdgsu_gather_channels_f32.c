// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Four channels go through all rows together. memcpy goes through general
// registers, whose loads take an index.

#include <string.h>

#include "tfdgsu/kernels.h"

void tfdgsu_gather_channels_f32(float* x_sel, const float* x, const int32_t* channels,
                                const int32_t* pool, int32_t rows, int32_t c, int32_t k) {
  for (int32_t j = 0; j < k; j += kTfdgsuLanes) {
    const int32_t n = k - j < kTfdgsuLanes ? k - j : kTfdgsuLanes;
    int32_t own[kTfdgsuLanes] = {0};
    for (int32_t i = 0; i < n; ++i) own[i] = pool ? pool[channels[j + i]] : channels[j + i];
    const int32_t c0 = own[0], c1 = own[1], c2 = own[2], c3 = own[3];
    const float* from = x;
    float* to = x_sel + j;
    if (n == kTfdgsuLanes) {
      for (int32_t r = 0; r < rows; ++r, from += c, to += k) {
        memcpy(to + 0, from + c0, sizeof(float));
        memcpy(to + 1, from + c1, sizeof(float));
        memcpy(to + 2, from + c2, sizeof(float));
        memcpy(to + 3, from + c3, sizeof(float));
      }
    } else {
      for (int32_t r = 0; r < rows; ++r, from += c, to += k) {
        for (int32_t i = 0; i < n; ++i) to[i] = from[own[i]];
      }
    }
  }
}
