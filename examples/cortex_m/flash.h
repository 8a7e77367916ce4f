// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Storage for checkpoints. Firmware for a real board puts its flash driver here.

#ifndef TFDGSU_EXAMPLES_CORTEX_M_FLASH_H_
#define TFDGSU_EXAMPLES_CORTEX_M_FLASH_H_

#include <stdint.h>

#include "tfdgsu/checkpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const TfdgsuCheckpointStorage kFlash;

// Sets all of it to 0xFF, as a new board's is.
void FlashEraseAll(void);

// Where an offset of the storage lies in memory.
const uint8_t* FlashAt(uint32_t offset);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_EXAMPLES_CORTEX_M_FLASH_H_
