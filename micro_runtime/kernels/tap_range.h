// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Which outputs and which image positions a filter tap joins.

#ifndef TFDGSU_KERNELS_TAP_RANGE_H_
#define TFDGSU_KERNELS_TAP_RANGE_H_

#include <stdint.h>

#include "tfdgsu/kernels.h"

typedef struct {
  int32_t begin, end;
} TfdgsuRange;

// Outputs o in [begin, end) for which o*stride - pad + tap lies in [0, in_size).
static inline TfdgsuRange tfdgsu_outputs_of_tap(int32_t tap, int32_t in_size, int32_t out_size,
                                                int32_t stride, int32_t pad) {
  TfdgsuRange range = {0, 0};
  const int32_t offset = tap - pad;
  if (offset < 0) range.begin = (-offset + stride - 1) / stride;
  if (in_size - offset > 0) range.end = (in_size - offset + stride - 1) / stride;
  if (range.end > out_size) range.end = out_size;
  return range;
}

// a / b rounded down; b is positive.
static inline int32_t tfdgsu_floor_div(int32_t a, int32_t b) { return a < 0 ? -((b - 1 - a) / b) : a / b; }

// The output at which `tap` reads image position `at`, or -1.
static inline int32_t tfdgsu_output_of_tap(int32_t at, int32_t tap, int32_t stride, int32_t pad,
                                           int32_t out_size) {
  const int32_t scaled = at + pad - tap;
  if (scaled < 0 || scaled % stride != 0) return -1;
  return scaled / stride < out_size ? scaled / stride : -1;
}

// Whether the only tap joins each output with the image position of its place.
static inline int tfdgsu_is_pointwise(const TfdgsuWindow* s) {
  return s->filter_h == 1 && s->filter_w == 1 && s->stride_h == 1 && s->stride_w == 1 && s->in_h == s->out_h &&
         s->in_w == s->out_w;
}

#endif  // TFDGSU_KERNELS_TAP_RANGE_H_
