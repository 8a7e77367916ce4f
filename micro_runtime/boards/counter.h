// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// A timer that QEMU moves with the instructions it runs when it is started with -icount.

#ifndef TFDGSU_BOARDS_COUNTER_H_
#define TFDGSU_BOARDS_COUNTER_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Starts counting from 0.
void BoardStartCounter(void);

// Ticks since then, modulo 2^32.
uint32_t BoardTicks(void);

// Instructions since then, if QEMU was started with -icount shift=5, where each takes 32 ns.
uint32_t BoardInstructions(void);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_BOARDS_COUNTER_H_
