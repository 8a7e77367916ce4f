// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Bijective 32-bit hash ("lowbias32", C. Wellons, "Prospecting for Hash Functions"): a counter-based
// source of random numbers, the same on every machine. Unsigned arithmetic wraps at 2^32 on purpose.

#ifndef TFDGSU_KERNELS_MIX32_H_
#define TFDGSU_KERNELS_MIX32_H_

#include <stdint.h>

static inline uint32_t tfdgsu_mix32(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

#define TFDGSU_RANDOM_STEP 0x9e3779b9u

// The key of draw number `draw` of a layer, and number i of that draw.
static inline uint32_t tfdgsu_random_key(uint32_t seed, uint32_t layer_id, uint32_t draw) {
  return tfdgsu_mix32(tfdgsu_mix32(tfdgsu_mix32(seed) + layer_id) + draw);
}
static inline uint32_t tfdgsu_random(uint32_t key, uint32_t i) {
  return tfdgsu_mix32(key + i * TFDGSU_RANDOM_STEP);
}
// The key of the same draw behind its first n numbers.
static inline uint32_t tfdgsu_skip_random(uint32_t key, uint32_t n) {
  return key + n * TFDGSU_RANDOM_STEP;
}

#endif  // TFDGSU_KERNELS_MIX32_H_
