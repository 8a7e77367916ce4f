// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Random operands of kernels, in an arena that every case starts anew.

#ifndef TFDGSU_BENCHMARKS_KERNEL_OPERANDS_H_
#define TFDGSU_BENCHMARKS_KERNEL_OPERANDS_H_

#include <stdint.h>
#include <stdlib.h>

enum { kArenaBytes = 220 * 1024 };

static uint32_t arena[kArenaBytes / 4];
static int32_t used_bytes;

// Room for n elements; the program ends when there is none.
static inline void* Take(int32_t n, int32_t size) {
  void* block = (char*)arena + used_bytes;
  used_bytes += (n * size + 3) & ~3;
  if (used_bytes > kArenaBytes) exit(9);
  return block;
}

static inline uint32_t Random(void) {
  static uint32_t state = 1;
  return (state = state * 1664525u + 1013904223u) >> 8;
}

static inline float* Floats(int32_t n) {
  float* block = Take(n, sizeof(float));
  for (int32_t i = 0; i < n; ++i) block[i] = (float)((int32_t)(Random() & 0xFFFF) - 0x8000) / 32768.0f;
  return block;
}

static inline int8_t* Int8s(int32_t n) {
  int8_t* block = Take(n, 1);
  for (int32_t i = 0; i < n; ++i) block[i] = (int8_t)((int32_t)(Random() % 255) - 127);
  return block;
}

static inline float* Scales(int32_t n) {
  float* block = Floats(n);
  for (int32_t i = 0; i < n; ++i) block[i] = 0.01f + 0.001f * block[i];
  return block;
}

// n numbers, first, first + step, and so on.
static inline int32_t* Numbers(int32_t n, int32_t first, int32_t step) {
  int32_t* block = Take(n, sizeof(int32_t));
  for (int32_t i = 0; i < n; ++i) block[i] = first + i * step;
  return block;
}

// k of n channels, ascending.
static inline int32_t* Channels(int32_t k, int32_t n) {
  int32_t* block = Take(k, sizeof(int32_t));
  for (int32_t i = 0; i < k; ++i) block[i] = i * n / k;
  return block;
}

#endif  // TFDGSU_BENCHMARKS_KERNEL_OPERANDS_H_
