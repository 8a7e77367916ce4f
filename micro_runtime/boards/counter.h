// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// A timer that QEMU moves with the instructions it runs when it is started with -icount.

#ifndef TFDGSU_BOARDS_COUNTER_H_
#define TFDGSU_BOARDS_COUNTER_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Starts counting from 0. Before each measurement: a counter may have 24 bits only.
void BoardStartCounter(void);

// Ticks since then.
uint32_t BoardTicks(void);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_BOARDS_COUNTER_H_
