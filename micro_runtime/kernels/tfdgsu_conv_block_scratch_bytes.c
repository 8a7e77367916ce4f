// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h.

#include "conv_block_scratch.h"

int32_t tfdgsu_conv_block_scratch_bytes(const TfdgsuConvBlock* block) {
  const int64_t bytes = tfdgsu_split_scratch(block, NULL).bytes;
  return bytes > INT32_MAX ? -1 : (int32_t)bytes;
}
