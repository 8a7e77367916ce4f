// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// How deep the stack has been.

#ifndef TFDGSU_BOARDS_STACK_H_
#define TFDGSU_BOARDS_STACK_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Fills all RAM between the program's data and the stack of now with a pattern. For programs without a heap.
void BoardPaintStack(void);

// Bytes from the top of the stack to the deepest one that was written since.
uint32_t BoardStackBytes(void);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_BOARDS_STACK_H_
