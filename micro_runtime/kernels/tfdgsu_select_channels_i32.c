// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. The products in 64 bits stay below 2^32 * 2^31.

#include "mix32.h"
#include "tfdgsu/kernels.h"

static void draw_cyclic(int32_t* channels, uint32_t draw, int32_t k, int32_t n) {
  int32_t at = (int32_t)((uint64_t)draw * (uint32_t)k % (uint32_t)n);
  for (int32_t i = 0; i < k; ++i) {
    channels[i] = at;
    at = at + 1 == n ? 0 : at + 1;
  }
}

static void draw_random(int32_t* channels, uint32_t key, int32_t k, int32_t n) {
  int32_t chosen = 0;
  for (int32_t c = 0; c < n && chosen < k; ++c) {
    const uint64_t r = tfdgsu_random(key, (uint32_t)c);
    // Channel c is taken with probability (still wanted) / (still to come).
    if (r * (uint32_t)(n - c) >> 32 < (uint32_t)(k - chosen)) channels[chosen++] = c;
  }
}

void tfdgsu_select_channels_i32(int32_t* channels, int32_t policy, uint32_t seed,
                                uint32_t layer_id, uint32_t draw, int32_t k, int32_t n) {
  if (policy == kTfdgsuCyclic) {
    draw_cyclic(channels, draw, k, n);
  } else {
    draw_random(channels, tfdgsu_random_key(seed, layer_id, draw), k, n);
  }
}
