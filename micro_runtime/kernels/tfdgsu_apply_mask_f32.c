// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

void tfdgsu_apply_mask_f32(float* dz, const float* dy, const uint8_t* bits, float alpha,
                           int32_t n) {
  for (int32_t i = 0; i < n; ++i) {
    dz[i] = (bits[i >> 3] >> (i & 7)) & 1 ? dy[i] : alpha * dy[i];
  }
}
