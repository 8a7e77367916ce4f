// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// How a convolution block lays out its scratch memory.

#ifndef TFDGSU_KERNELS_CONV_BLOCK_SCRATCH_H_
#define TFDGSU_KERNELS_CONV_BLOCK_SCRATCH_H_

#include <stddef.h>

#include "tfdgsu/kernels.h"

typedef struct {
  int16_t* patches;  // see tfdgsu_conv_2d_row_i8
  int8_t* ring;      // [ring_rows,W,C] of the conv stage's result, if a stage follows
  int8_t* row;       // [W,C] of the depthwise stage's result, if project follows
  int32_t ring_rows;
  int64_t bytes;
} TfdgsuConvBlockScratch;

// Elements of a window laid out in a row, with those of the overlay.
static inline int64_t tfdgsu_patch_elements(const TfdgsuWindow* s, int32_t n_overlay) {
  const int64_t n = (int64_t)s->filter_h * s->filter_w * ((int64_t)s->in_c + n_overlay);
  return (n + 7) / 8 * 8;
}

// `scratch` may be NULL, to learn the bytes.
static inline TfdgsuConvBlockScratch tfdgsu_split_scratch(const TfdgsuConvBlock* b, void* scratch) {
  TfdgsuConvBlockScratch parts = {NULL, NULL, NULL, 0, 0};
  const int conv = b->conv.is_present, depthwise = b->depthwise.is_present;
  const int project = b->project.is_present;
  int64_t patch = conv ? tfdgsu_patch_elements(&b->conv.window, b->overlay.n_channels) : 0;
  const int64_t pointwise = project ? tfdgsu_patch_elements(&b->project.window, 0) : 0;
  if (pointwise > patch) patch = pointwise;
  int64_t ring = 0, row = 0;
  if (conv && (depthwise || project)) {
    const int32_t height = b->conv.window.out_h;
    const int32_t window = depthwise ? b->depthwise.window.filter_h : 1;
    parts.ring_rows = window < height ? window : height;
    ring = (int64_t)parts.ring_rows * b->conv.window.out_w * b->conv.window.out_c;
  }
  if (depthwise && project) row = (int64_t)b->depthwise.window.out_w * b->depthwise.window.out_c;
  patch *= kTfdgsuPatchPixels * (int64_t)sizeof(int16_t);
  parts.bytes = patch + ring + row;
  if (scratch) {
    parts.patches = (int16_t*)scratch;
    parts.ring = (int8_t*)scratch + patch;
    parts.row = parts.ring + ring;
  }
  return parts;
}

#endif  // TFDGSU_KERNELS_CONV_BLOCK_SCRATCH_H_
