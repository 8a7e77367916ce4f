// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: counter.h. SysTick of mps3-an547: the core's clock of 32 MHz, 24 bits, counts down.

#include "counter.h"

typedef struct {
  uint32_t control, reload, value;
} SysTick;

#define SYSTICK ((volatile SysTick*)0xE000E010u)

enum { kLast = 0xFFFFFF, kEnabled = 1, kCoreClock = 4 };

void BoardStartCounter(void) {
  SYSTICK->control = 0;
  SYSTICK->reload = kLast;
  SYSTICK->value = 0;
  SYSTICK->control = kEnabled | kCoreClock;
}

uint32_t BoardTicks(void) {
  return (kLast - SYSTICK->value) & kLast;
}
