// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// End of the input gradients: stores a run of sums.

#ifndef TFDGSU_KERNELS_EPILOGUE_H_
#define TFDGSU_KERNELS_EPILOGUE_H_

#include "tfdgsu/kernels.h"

// sums[i] = epilogue(sums[i]), of dx[start + i], for i < n.
static inline void tfdgsu_finish_sums(float* sums, int32_t start, int32_t n, const TfdgsuEpilogue* epilogue) {
  for (int32_t i = 0; i < n && epilogue->addend; ++i) sums[i] += epilogue->addend[start + i];
  for (int32_t i = 0, at = start; i < n && epilogue->bits; ++i, ++at) {
    if (!((epilogue->bits[at >> 3] >> (at & 7)) & 1)) sums[i] *= epilogue->mask_alpha;
  }
}

// dx[start + i] = epilogue(sums[i]) for i < n.
static inline void tfdgsu_store_sums(float* dx, const float* sums, int32_t start, int32_t n,
                                     const TfdgsuEpilogue* epilogue) {
  if (!epilogue->addend && !epilogue->bits) {
    for (int32_t i = 0; i < n; ++i) dx[start + i] = sums[i];
    return;
  }
  for (int32_t i = 0; i < n; ++i) {
    const int32_t at = start + i;
    float value = sums[i];
    if (epilogue->addend) value += epilogue->addend[at];
    if (epilogue->bits && !((epilogue->bits[at >> 3] >> (at & 7)) & 1)) {
      value *= epilogue->mask_alpha;
    }
    dx[at] = value;
  }
}

#endif  // TFDGSU_KERNELS_EPILOGUE_H_
