// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: counter.h. Timer 0 of Arm's CMSDK on mps2-an386 and mps2-an500: 25 MHz, 32 bits, counts down.

#include "counter.h"

typedef struct {
  uint32_t control, value, reload;
} Timer;

#define TIMER ((volatile Timer*)0x40000000u)

void BoardStartCounter(void) {
  TIMER->control = 0;
  TIMER->reload = UINT32_MAX;
  TIMER->value = UINT32_MAX;
  TIMER->control = 1;
}

uint32_t BoardTicks(void) { return UINT32_MAX - TIMER->value; }

// A tick is 40 ns.
uint32_t BoardInstructions(void) { return (uint32_t)((uint64_t)BoardTicks() * 40 / 32); }
