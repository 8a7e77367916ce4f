// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Products of matrices, 6 x 4 or 4 x 4 sums at a time. The sums are scalars, because compilers for small cores
// keep no array in registers: 24 sums and 6 factors fit into the 32 float registers of a Cortex-M, and 24
// multiply-accumulates need 10 loads. Each sum takes its terms in the order of k.

#ifndef TFDGSU_KERNELS_REGISTER_TILE_H_
#define TFDGSU_KERNELS_REGISTER_TILE_H_

#include <stdint.h>

#include "multiply_add.h"

enum { kTfdgsuSide = 4, kTfdgsuLongSide = 6 };

// A tile that is inlined shares the core's registers with the loops around it, and spills. On x86 GCC would
// vectorize over k, with sums in order one element at a time; over j is what helps.
#if defined(__GNUC__) && !defined(__clang__)
#define TFDGSU_TILE __attribute__((noinline, unused, optimize("no-tree-loop-vectorize"))) static
#elif defined(__GNUC__)
#define TFDGSU_TILE __attribute__((noinline, unused)) static
#else
#define TFDGSU_TILE static inline
#endif

#define TFDGSU_ZERO_SUMS(i) float s##i##0 = 0.0f, s##i##1 = 0.0f, s##i##2 = 0.0f, s##i##3 = 0.0f
#define TFDGSU_LOAD_SUMS(row, i) \
  float s##i##0 = (row)[0], s##i##1 = (row)[1], s##i##2 = (row)[2], s##i##3 = (row)[3]
#define TFDGSU_STORE_SUMS(row, i) \
  ((row)[0] = s##i##0, (row)[1] = s##i##1, (row)[2] = s##i##2, (row)[3] = s##i##3)
#define TFDGSU_ADD_ROW(factor, i)                                                               \
  (s##i##0 = tfdgsu_multiply_add(factor, b0, s##i##0), s##i##1 = tfdgsu_multiply_add(factor, b1, s##i##1), \
   s##i##2 = tfdgsu_multiply_add(factor, b2, s##i##2), s##i##3 = tfdgsu_multiply_add(factor, b3, s##i##3))

// How many of n rows to sum 6 at a time, so that those left are few besides multiples of 4: 0, or 8 and more.
static inline int32_t tfdgsu_rows_of_long_tiles(int32_t n) {
  const int32_t left = n % kTfdgsuLongSide;
  const int32_t longs = n - left;
  return (left == 2 || left == 3) && longs > 0 ? longs - kTfdgsuLongSide : longs;
}

// sums[i*stride + j] += sum over k < n of a[i*a_stride + k] * b[k*b_stride + j], j below 4 and i below 6.
TFDGSU_TILE void tfdgsu_add_rows_6x4(float* sums, int32_t stride, const float* a, int32_t a_stride,
                                     const float* b, int32_t b_stride, int32_t n) {
  TFDGSU_LOAD_SUMS(sums, 0);
  TFDGSU_LOAD_SUMS(sums + stride, 1);
  TFDGSU_LOAD_SUMS(sums + 2 * stride, 2);
  TFDGSU_LOAD_SUMS(sums + 3 * stride, 3);
  TFDGSU_LOAD_SUMS(sums + 4 * stride, 4);
  TFDGSU_LOAD_SUMS(sums + 5 * stride, 5);
  const float *a1 = a + a_stride, *a2 = a1 + a_stride, *a3 = a2 + a_stride, *a4 = a3 + a_stride;
  const float *a5 = a4 + a_stride, *const end = a + n;
  while (a < end) {
    const float b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
    b += b_stride;
    TFDGSU_ADD_ROW(*a, 0);
    TFDGSU_ADD_ROW(*a1, 1);
    TFDGSU_ADD_ROW(*a2, 2);
    TFDGSU_ADD_ROW(*a3, 3);
    TFDGSU_ADD_ROW(*a4, 4);
    TFDGSU_ADD_ROW(*a5, 5);
    ++a, ++a1, ++a2, ++a3, ++a4, ++a5;
  }
  TFDGSU_STORE_SUMS(sums, 0);
  TFDGSU_STORE_SUMS(sums + stride, 1);
  TFDGSU_STORE_SUMS(sums + 2 * stride, 2);
  TFDGSU_STORE_SUMS(sums + 3 * stride, 3);
  TFDGSU_STORE_SUMS(sums + 4 * stride, 4);
  TFDGSU_STORE_SUMS(sums + 5 * stride, 5);
}

// The same, i below 4.
TFDGSU_TILE void tfdgsu_add_rows_4x4(float* sums, int32_t stride, const float* a, int32_t a_stride,
                                     const float* b, int32_t b_stride, int32_t n) {
  TFDGSU_LOAD_SUMS(sums, 0);
  TFDGSU_LOAD_SUMS(sums + stride, 1);
  TFDGSU_LOAD_SUMS(sums + 2 * stride, 2);
  TFDGSU_LOAD_SUMS(sums + 3 * stride, 3);
  const float *a1 = a + a_stride, *a2 = a1 + a_stride, *a3 = a2 + a_stride;
  const float* const end = a + n;
  while (a < end) {
    const float b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
    const float f0 = *a++, f1 = *a1++, f2 = *a2++, f3 = *a3++;
    b += b_stride;
    TFDGSU_ADD_ROW(f0, 0);
    TFDGSU_ADD_ROW(f1, 1);
    TFDGSU_ADD_ROW(f2, 2);
    TFDGSU_ADD_ROW(f3, 3);
  }
  TFDGSU_STORE_SUMS(sums, 0);
  TFDGSU_STORE_SUMS(sums + stride, 1);
  TFDGSU_STORE_SUMS(sums + 2 * stride, 2);
  TFDGSU_STORE_SUMS(sums + 3 * stride, 3);
}

// The same, of one row.
TFDGSU_TILE void tfdgsu_add_rows_1x4(float* sums, const float* a, const float* b, int32_t b_stride, int32_t n) {
  TFDGSU_LOAD_SUMS(sums, 0);
  const float* const end = a + n;
  while (a < end) {
    const float b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
    b += b_stride;
    TFDGSU_ADD_ROW(*a, 0);
    ++a;
  }
  TFDGSU_STORE_SUMS(sums, 0);
}

// The same, of n_rows rows, long_rows of them by 6.
static inline void tfdgsu_add_rows(float* sums, int32_t stride, const float* a, int32_t a_stride,
                                   const float* b, int32_t b_stride, int32_t n, int32_t long_rows,
                                   int32_t n_rows) {
  int32_t i = 0;
  for (; i < long_rows; i += kTfdgsuLongSide) {
    tfdgsu_add_rows_6x4(sums + i * stride, stride, a + i * a_stride, a_stride, b, b_stride, n);
  }
  for (; i + kTfdgsuSide <= n_rows; i += kTfdgsuSide) {
    tfdgsu_add_rows_4x4(sums + i * stride, stride, a + i * a_stride, a_stride, b, b_stride, n);
  }
  for (; i < n_rows; ++i) tfdgsu_add_rows_1x4(sums + i * stride, a + i * a_stride, b, b_stride, n);
}

#endif  // TFDGSU_KERNELS_REGISTER_TILE_H_
