// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Four channels go through all rows together.

#ifndef TFDGSU_KERNELS_GATHER_CHANNELS_H_
#define TFDGSU_KERNELS_GATHER_CHANNELS_H_

#include <string.h>

#include "min_max.h"
#include "tfdgsu/kernels.h"

// The body of a kernel with the arguments that tfdgsu/kernels.h names. memcpy takes floats through general registers,
// whose loads take an index.
#define TFDGSU_GATHER_CHANNELS(element)                                                            \
  for (int32_t j = 0; j < k; j += kTfdgsuLanes) {                                                  \
    const int32_t n = tfdgsu_min(k - j, kTfdgsuLanes);                                             \
    int32_t own[kTfdgsuLanes] = {0};                                                               \
    for (int32_t i = 0; i < n; ++i) own[i] = pool ? pool[channels[j + i]] : channels[j + i];       \
    const int32_t c0 = own[0], c1 = own[1], c2 = own[2], c3 = own[3];                              \
    const element* from = x;                                                                       \
    element* to = x_sel + j;                                                                       \
    for (int32_t r = n == kTfdgsuLanes ? rows : 0; r > 0; --r, from += c, to += k) {               \
      memcpy(to + 0, from + c0, sizeof(element));                                                  \
      memcpy(to + 1, from + c1, sizeof(element));                                                  \
      memcpy(to + 2, from + c2, sizeof(element));                                                  \
      memcpy(to + 3, from + c3, sizeof(element));                                                  \
    }                                                                                              \
    for (int32_t r = n == kTfdgsuLanes ? 0 : rows; r > 0; --r, from += c, to += k) {               \
      for (int32_t i = 0; i < n; ++i) to[i] = from[own[i]];                                        \
    }                                                                                              \
  }

#endif  // TFDGSU_KERNELS_GATHER_CHANNELS_H_
