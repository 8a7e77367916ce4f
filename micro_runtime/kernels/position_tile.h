// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Sums of filter gradients over image positions, as register_tile.h sums products: dy of 6 or 4 output channels
// by x of 4 channels.

#ifndef TFDGSU_KERNELS_POSITION_TILE_H_
#define TFDGSU_KERNELS_POSITION_TILE_H_

#include "register_tile.h"

// Positions that one filter tap joins, `line` of them in a row. How far apart they are, in floats: from one to the
// next, and besides from a line to the next and from an image to the next.
typedef struct {
  int32_t images, lines, line;
  int32_t dy_step, dy_line_gap, dy_image_gap;
  int32_t x_step, x_line_gap, x_image_gap;
} TfdgsuPositions;

#define TFDGSU_FOR_LINE(n, a, a_step, b, b_step, ...)                \
  for (int32_t k = (n); k > 0; --k) {                                  \
    const float b0 = (b)[0], b1 = (b)[1], b2 = (b)[2], b3 = (b)[3];    \
    __VA_ARGS__;                                                       \
    (a) += (a_step), (b) += (b_step);                                  \
  }

// Of one image.
#define TFDGSU_FOR_LINES(positions, a, b, ...)                                                        \
  for (int32_t left = (positions)->lines;;) {                                                         \
    TFDGSU_FOR_LINE((positions)->line, a, (positions)->dy_step, b, (positions)->x_step, __VA_ARGS__)  \
    if (--left <= 0) break;                                                                           \
    (a) += (positions)->dy_line_gap, (b) += (positions)->x_line_gap;                                  \
  }

#define TFDGSU_START_SUMS(row, i)                                                              \
  float s##i##0 = 0.0f, s##i##1 = 0.0f, s##i##2 = 0.0f, s##i##3 = 0.0f;                        \
  if (!is_first) s##i##0 = (row)[0], s##i##1 = (row)[1], s##i##2 = (row)[2], s##i##3 = (row)[3]

// sums[i*4 + j] = (is_first ? 0 : sums[i*4 + j]) + sum over the positions of one image of dy[i] * x[j], j below 4 and
// i below n, a multiple of 6.
TFDGSU_TILE void tfdgsu_add_positions_6x4(float* sums, int is_first, const float* dy, const float* x,
                                          const TfdgsuPositions* positions, int32_t n) {
  for (; n > 0; n -= kTfdgsuLongSide, dy += kTfdgsuLongSide, sums += 4 * kTfdgsuLongSide) {
    TFDGSU_START_SUMS(sums, 0);
    TFDGSU_START_SUMS(sums + 4, 1);
    TFDGSU_START_SUMS(sums + 8, 2);
    TFDGSU_START_SUMS(sums + 12, 3);
    TFDGSU_START_SUMS(sums + 16, 4);
    TFDGSU_START_SUMS(sums + 20, 5);
    const float *a = dy, *b = x;
    TFDGSU_FOR_LINES(positions, a, b, TFDGSU_ADD_ROW(a[0], 0), TFDGSU_ADD_ROW(a[1], 1),
                     TFDGSU_ADD_ROW(a[2], 2), TFDGSU_ADD_ROW(a[3], 3), TFDGSU_ADD_ROW(a[4], 4),
                     TFDGSU_ADD_ROW(a[5], 5));
    TFDGSU_STORE_SUMS(sums, 0);
    TFDGSU_STORE_SUMS(sums + 4, 1);
    TFDGSU_STORE_SUMS(sums + 8, 2);
    TFDGSU_STORE_SUMS(sums + 12, 3);
    TFDGSU_STORE_SUMS(sums + 16, 4);
    TFDGSU_STORE_SUMS(sums + 20, 5);
  }
}

// The same, n a multiple of 4.
TFDGSU_TILE void tfdgsu_add_positions_4x4(float* sums, int is_first, const float* dy, const float* x,
                                          const TfdgsuPositions* positions, int32_t n) {
  for (; n > 0; n -= kTfdgsuSide, dy += kTfdgsuSide, sums += 4 * kTfdgsuSide) {
    TFDGSU_START_SUMS(sums, 0);
    TFDGSU_START_SUMS(sums + 4, 1);
    TFDGSU_START_SUMS(sums + 8, 2);
    TFDGSU_START_SUMS(sums + 12, 3);
    const float *a = dy, *b = x;
    TFDGSU_FOR_LINES(positions, a, b, TFDGSU_ADD_ROW(a[0], 0), TFDGSU_ADD_ROW(a[1], 1),
                     TFDGSU_ADD_ROW(a[2], 2), TFDGSU_ADD_ROW(a[3], 3));
    TFDGSU_STORE_SUMS(sums, 0);
    TFDGSU_STORE_SUMS(sums + 4, 1);
    TFDGSU_STORE_SUMS(sums + 8, 2);
    TFDGSU_STORE_SUMS(sums + 12, 3);
  }
}

// The same, of any n.
TFDGSU_TILE void tfdgsu_add_positions_1x4(float* sums, int is_first, const float* dy, const float* x,
                                          const TfdgsuPositions* positions, int32_t n) {
  for (; n > 0; --n, ++dy, sums += 4) {
    TFDGSU_START_SUMS(sums, 0);
    const float *a = dy, *b = x;
    TFDGSU_FOR_LINES(positions, a, b, TFDGSU_ADD_ROW(a[0], 0));
    TFDGSU_STORE_SUMS(sums, 0);
  }
}

// The same, of all n output channels by the largest tiles.
static inline void tfdgsu_add_positions(float* sums, int is_first, const float* dy, const float* x,
                                        const TfdgsuPositions* positions, int32_t n) {
  const int32_t long_n = tfdgsu_rows_of_long_tiles(n), whole_n = long_n + ((n - long_n) & -kTfdgsuSide);
  tfdgsu_add_positions_6x4(sums, is_first, dy, x, positions, long_n);
  if (n == long_n) return;
  tfdgsu_add_positions_4x4(sums + 4 * long_n, is_first, dy + long_n, x, positions, whole_n - long_n);
  tfdgsu_add_positions_1x4(sums + 4 * whole_n, is_first, dy + whole_n, x, positions, n - whole_n);
}

#endif  // TFDGSU_KERNELS_POSITION_TILE_H_
