// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Four int8 numbers of a word as two pairs of int16: bytes 0 and 2, bytes 1 and 3. The rotation that takes the second
// pair is part of the instruction, but of no intrinsic.

#ifndef TFDGSU_KERNELS_DSP_SIMD32_H_
#define TFDGSU_KERNELS_DSP_SIMD32_H_

#include <arm_acle.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t tfdgsu_load_word(const int8_t* from) {
  uint32_t word;
  memcpy(&word, from, sizeof(word));
  return word;
}

// The first n < 4 bytes, with zeros behind them. Reads no further.
static inline uint32_t tfdgsu_load_tail(const int8_t* from, int32_t n) {
  uint32_t word = 0;
  for (int32_t i = 0; i < n; ++i) word |= (uint32_t)(uint8_t)from[i] << (8 * i);
  return word;
}

static inline int16x2_t tfdgsu_even_bytes(uint32_t word) { return __sxtb16((int8x4_t)word); }

static inline int16x2_t tfdgsu_odd_bytes(uint32_t word) {
  int16x2_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
  return pair;
}

static inline int16x2_t tfdgsu_add_even_bytes(int16x2_t pair, uint32_t word) {
  return __sxtab16(pair, (int8x4_t)word);
}

static inline int16x2_t tfdgsu_add_odd_bytes(int16x2_t pair, uint32_t word) {
  int16x2_t sum;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sum) : "r"(pair), "r"(word));
  return sum;
}

// Halves of two words, which no intrinsic joins.
static inline uint32_t tfdgsu_low_halves(uint32_t low, uint32_t high) {
  uint32_t word;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(word) : "r"(low), "r"(high));
  return word;
}

static inline uint32_t tfdgsu_high_halves(uint32_t low, uint32_t high) {
  uint32_t word;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(word) : "r"(high), "r"(low));
  return word;
}

static inline int16x2_t tfdgsu_pair_of(int32_t value) {
  return (int16x2_t)(((uint32_t)value & 0xFFFFu) | (uint32_t)value << 16);
}

#endif  // TFDGSU_KERNELS_DSP_SIMD32_H_
