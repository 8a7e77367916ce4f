// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What the gradients of depthwise convolutions consist of: rows of 4 channels correlated with one another. Along
// a row each factor serves several sums, which lie in registers with the factors they share.

#ifndef TFDGSU_KERNELS_CORRELATE_H_
#define TFDGSU_KERNELS_CORRELATE_H_

#include <stdint.h>

#include "compiler.h"
#include "multiply_add.h"
#include "tfdgsu/kernels.h"

// Rows of factors: a row of `a` begins a_row behind the one before, a row of `b` b_row, counted in lanes.
typedef struct {
  const TfdgsuLanes *a, *b;
  int32_t a_row, b_row, rows;
  int32_t steps;  // of a row, at least 1
} TfdgsuRows;

// sums[i][j] += sum over the rows and k < steps of a[k][j] * b[k + i][j], for i < width and lanes j in
// [lane, lane + n).
// width (at most 5) and n are constants. A step needs `width` factors of b, of which the next one needs all but one.
TFDGSU_INLINE void tfdgsu_correlate(float sums[][kTfdgsuLanes], const TfdgsuRows* of, int32_t lane, const int width,
                                    const int n) {
  const TfdgsuLanes *a_row = of->a, *b_row = of->b;
  float window[5][kTfdgsuLanes];
  for (int32_t rows = of->rows; rows > 0; --rows) {
    const float *a = a_row->lane + lane, *b = b_row->lane + lane;
    TFDGSU_UNROLL for (int i = 0; i < width - 1; ++i, b += kTfdgsuLanes) {
      TFDGSU_UNROLL for (int j = 0; j < n; ++j) window[i][j] = b[j];
    }
    for (int32_t left = of->steps;; a += width * kTfdgsuLanes, b += width * kTfdgsuLanes) {
      // The newest factor takes the place of the oldest; after `width` steps all are back in their first places.
      TFDGSU_UNROLL for (int first = 0; first < width; ++first) {
        TFDGSU_UNROLL for (int j = 0; j < n; ++j) {
          const float factor = a[first * kTfdgsuLanes + j];
          window[(first + width - 1) % width][j] = b[first * kTfdgsuLanes + j];
          TFDGSU_UNROLL for (int i = 0; i < width; ++i) {
            sums[i][j] = tfdgsu_multiply_add(factor, window[(first + i) % width][j], sums[i][j]);
          }
        }
        if (--left == 0) goto next_row;
      }
    }
  next_row:
    a_row += of->a_row;
    b_row += of->b_row;
  }
}

#endif  // TFDGSU_KERNELS_CORRELATE_H_
