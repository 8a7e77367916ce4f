// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include <stddef.h>
#include <string.h>

#include "tfdgsu/kernels.h"

void tfdgsu_slice_f32(float* dx, const float* dy, const int32_t in[4], const int32_t begin[4],
                      const int32_t size[4]) {
  for (int32_t a = begin[0]; a < begin[0] + size[0]; ++a) {
    for (int32_t b = begin[1]; b < begin[1] + size[1]; ++b) {
      for (int32_t c = begin[2]; c < begin[2] + size[2]; ++c) {
        const float* row = dy + ((a * in[1] + b) * in[2] + c) * in[3] + begin[3];
        memcpy(dx, row, (size_t)size[3] * sizeof(float));
        dx += size[3];
      }
    }
  }
}
