// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: a check that stops the run, and slow independent versions of what is tested.

#ifndef TFDGSU_FUZZ_EXPECT_H_
#define TFDGSU_FUZZ_EXPECT_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition)                                                  \
  do {                                                                     \
    if (!(condition)) {                                                    \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
      abort();                                                             \
    }                                                                      \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// The input, read from its start; zeros behind its end.
typedef struct {
  const uint8_t* data;
  size_t size;
} Input;

static inline uint8_t TakeByte(Input* input) {
  if (!input->size) return 0;
  --input->size;
  return *input->data++;
}

static inline uint32_t WordAt(const uint8_t* p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void SetWord(uint8_t* p, uint32_t value) {
  for (int i = 0; i < 4; ++i) p[i] = (uint8_t)(value >> (8 * i));
}

// The CRC-32 register behind n more bytes, bit by bit; from 0xFFFFFFFF, inverted at the end.
static inline uint32_t SlowCrc(uint32_t crc, const uint8_t* data, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1u ? 0xEDB88320u : 0u);
  }
  return crc;
}

// A heap block of exactly n bytes, so that a sanitizer sees the first byte beyond.
static inline void* NewBlock(size_t n) {
  void* block = malloc(n ? n : 1);
  EXPECT(block);
  return block;
}

#endif  // TFDGSU_FUZZ_EXPECT_H_
