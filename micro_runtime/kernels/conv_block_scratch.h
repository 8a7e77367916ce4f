// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// How a convolution block lays out its scratch memory.

#ifndef TFDGSU_KERNELS_CONV_BLOCK_SCRATCH_H_
#define TFDGSU_KERNELS_CONV_BLOCK_SCRATCH_H_

#include <stddef.h>

#include "tfdgsu/kernels.h"

typedef struct {
  int8_t* ring;      // [ring_rows,W,C] of the conv stage's result, if a stage follows
  int8_t* row;       // [W,C] of the depthwise stage's result, if project follows
  int32_t ring_rows;
  int64_t bytes;
} TfdgsuConvBlockScratch;

// `scratch` may be NULL, to learn the bytes.
static inline TfdgsuConvBlockScratch tfdgsu_split_scratch(const TfdgsuConvBlock* b, void* scratch) {
  TfdgsuConvBlockScratch parts = {NULL, NULL, 0, 0};
  const int conv = b->conv.is_present, depthwise = b->depthwise.is_present;
  const int project = b->project.is_present;
  int64_t ring = 0, row = 0;
  if (conv && (depthwise || project)) {
    const int32_t height = b->conv.window.out_h;
    const int32_t window = depthwise ? b->depthwise.window.filter_h : 1;
    parts.ring_rows = window < height ? window : height;
    ring = (int64_t)parts.ring_rows * b->conv.window.out_w * b->conv.window.out_c;
  }
  if (depthwise && project) row = (int64_t)b->depthwise.window.out_w * b->depthwise.window.out_c;
  parts.bytes = ring + row;
  if (scratch) {
    parts.ring = (int8_t*)scratch;
    parts.row = parts.ring + ring;
  }
  return parts;
}

#endif  // TFDGSU_KERNELS_CONV_BLOCK_SCRATCH_H_
