// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

int32_t tfdgsu_conv_block_grad_scratch_bytes(const TfdgsuWindow* depthwise, int32_t tile_channels) {
  const TfdgsuWindow* s = depthwise;
  const int32_t n = tile_channels < s->out_c ? tile_channels : s->out_c;
  const int64_t points = (int64_t)s->out_h * s->out_w + (int64_t)s->in_h * s->in_w;
  // No overflow: in the order of the factors, counts of elements of the gradients, at most 2^32.
  const int64_t elements = points * s->batches;
  const int64_t limit = INT32_MAX / (int32_t)sizeof(float);
  if (elements > limit / n) return -1;
  return (int32_t)(elements * n * (int64_t)sizeof(float));
}
