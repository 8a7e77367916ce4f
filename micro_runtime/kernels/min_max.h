// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The smaller and the larger of two indices.

#ifndef TFDGSU_KERNELS_MIN_MAX_H_
#define TFDGSU_KERNELS_MIN_MAX_H_

#include <stdint.h>

static inline int32_t tfdgsu_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t tfdgsu_max(int32_t a, int32_t b) { return a > b ? a : b; }

#endif  // TFDGSU_KERNELS_MIN_MAX_H_
