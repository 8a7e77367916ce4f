// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Weights to save and restore, distinct for every version, and the flash that they go to.

#ifndef TFDGSU_TESTS_VERSIONED_WEIGHTS_H_
#define TFDGSU_TESTS_VERSIONED_WEIGHTS_H_

#include "simulated_flash.h"

enum { kSegments = 5 };

// The weights of one moment, in blocks of their own so that no write may leave them.
typedef struct {
  TfdgsuCheckpointSegment segments[kSegments];
  uint32_t bytes;
} Weights;

static const TfdgsuBundleId kBundle = {123456u, 0xDEADBEEFu};
static Flash flash;

// Sizes: an odd one, none, one byte, a large one, a step counter.
static inline Weights NewWeights(uint32_t large) {
  const uint32_t sizes[kSegments] = {13, 0, 1, large, 4};
  Weights weights;
  weights.bytes = 0;
  for (int i = 0; i < kSegments; ++i) {
    weights.segments[i].bytes = sizes[i];
    weights.segments[i].data = sizes[i] ? malloc(sizes[i]) : NULL;
    weights.bytes += sizes[i];
  }
  return weights;
}

static inline void FreeWeights(Weights* weights) {
  for (int i = 0; i < kSegments; ++i) free(weights->segments[i].data);
}

// Every version has another byte everywhere; some of them are 0xFF, as in erased flash.
static inline void Fill(Weights* weights, uint32_t version) {
  for (int i = 0; i < kSegments; ++i) {
    uint8_t* data = (uint8_t*)weights->segments[i].data;
    for (uint32_t k = 0; k < weights->segments[i].bytes; ++k) {
      data[k] = (uint8_t)(k % 3 ? version * 37u + k : 0xFFu - version % 4u);
    }
  }
}

static inline int Holds(const Weights* weights, uint32_t version) {
  Weights expected = NewWeights(weights->segments[3].bytes);
  int is_same = 1;
  Fill(&expected, version);
  for (int i = 0; i < kSegments; ++i) {
    const uint32_t n = expected.segments[i].bytes;
    if (n && memcmp(expected.segments[i].data, weights->segments[i].data, n) != 0) is_same = 0;
  }
  FreeWeights(&expected);
  return is_same;
}

static inline TfdgsuCheckpointStatus Save(const TfdgsuCheckpointStorage* storage, Weights* weights, uint32_t version) {
  Fill(weights, version);
  return tfdgsu_checkpoint_save(storage, &kBundle, weights->segments, kSegments);
}

static inline TfdgsuCheckpointStatus Restore(const TfdgsuCheckpointStorage* storage, Weights* weights) {
  Fill(weights, 250);  // what must be gone, or untouched
  return tfdgsu_checkpoint_restore(storage, &kBundle, weights->segments, kSegments);
}

#endif  // TFDGSU_TESTS_VERSIONED_WEIGHTS_H_
