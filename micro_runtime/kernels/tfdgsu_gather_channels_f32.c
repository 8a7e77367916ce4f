// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "gather_channels.h"

void tfdgsu_gather_channels_f32(float* x_sel, const float* x, const int32_t* channels, const int32_t* pool,
                                int32_t rows, int32_t c, int32_t k) {
  TFDGSU_GATHER_CHANNELS(float)
}
