// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "tfdgsu/kernels.h"

int32_t tfdgsu_conv_block_grad_scratch_bytes(const TfdgsuConvBlockGrad* block) {
  const TfdgsuWindow* s = &block->depthwise;
  const int32_t n = block->tile_channels < s->out_c ? block->tile_channels : s->out_c;
  // No overflow: each product counts elements of a tensor, below 2^31.
  int64_t points = (int64_t)s->batches * s->out_h * s->out_w;
  if (block->reaches_conv) points += (int64_t)s->batches * s->in_h * s->in_w;
  int64_t bytes = points * (int64_t)sizeof(float);
  if (block->depthwise_filter.is_present) bytes += (int64_t)s->filter_h * s->filter_w;
  return bytes > INT32_MAX / n ? -1 : (int32_t)(bytes * n);
}
