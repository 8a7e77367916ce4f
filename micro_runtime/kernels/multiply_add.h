// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The term of a sum of products: multiplied and added with one rounding, so that every core with a float
// unit takes one instruction for it, and all give the same bits.

#ifndef TFDGSU_KERNELS_MULTIPLY_ADD_H_
#define TFDGSU_KERNELS_MULTIPLY_ADD_H_

#include <math.h>

// Without a float unit a rounding less costs several times as much; there sums may differ in their last bits.
#if (defined(__arm__) && !defined(__ARM_FP)) || (defined(__riscv) && !defined(__riscv_flen))
#define TFDGSU_UNFUSED 1
#endif

// Files that set their own optimization, as those of Arduino libraries do, would else call it: GCC inlines
// nothing there that is optimized otherwise than its caller.
#ifdef __GNUC__
__attribute__((always_inline))
#endif
// a*b + sum.
static inline float tfdgsu_multiply_add(float a, float b, float sum) {
#ifdef TFDGSU_UNFUSED
  return a * b + sum;
#else
  return fmaf(a, b, sum);
#endif
}

#endif  // TFDGSU_KERNELS_MULTIPLY_ADD_H_
