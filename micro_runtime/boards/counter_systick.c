// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: counter.h. SysTick of mps3-an547: the core's clock of 32 MHz, 24 bits, counts down; an
// interrupt counts the higher bits.

#include "counter.h"

typedef struct {
  uint32_t control, reload, value;
} SysTick;

#define SYSTICK ((volatile SysTick*)0xE000E010u)

enum { kLast = 0xFFFFFF, kBits = 24, kEnabled = 1, kInterrupt = 2, kCoreClock = 4 };

static volatile uint32_t n_rounds;

void SysTick_Handler(void);
void SysTick_Handler(void) { ++n_rounds; }

void BoardStartCounter(void) {
  SYSTICK->control = 0;
  SYSTICK->reload = kLast;
  SYSTICK->value = 0;
  n_rounds = 0;
  SYSTICK->control = kEnabled | kInterrupt | kCoreClock;
}

uint32_t BoardTicks(void) {
  uint32_t rounds, value;
  do {
    rounds = n_rounds;
    value = SYSTICK->value;
  } while (rounds != n_rounds);
  return (rounds << kBits) + ((kLast - value) & kLast);
}

// A tick is 31.25 ns.
uint32_t BoardInstructions(void) { return (uint32_t)((uint64_t)BoardTicks() * 3125 / 3200); }
