// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: stack.h.

#include "stack.h"

extern uint32_t __heap_start[], __stack_top[];

static const uint32_t kPattern = 0xC0DEFACEu;
// The compiler may save registers below the stack that the function reads.
enum { kOwnWords = 32 };

void BoardPaintStack(void) {
  const uint32_t* stack;
  __asm volatile("mov %0, sp" : "=r"(stack));
  for (volatile uint32_t* word = __heap_start; word < stack - kOwnWords; ++word) *word = kPattern;
}

uint32_t BoardStackBytes(void) {
  const volatile uint32_t* word = __heap_start;
  while (word < __stack_top && *word == kPattern) ++word;
  return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}
