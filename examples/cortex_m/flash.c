// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: flash.h. NOR flash, played by the memory of the board that also holds the program.

#include "flash.h"

#include <string.h>

#include "model.h"

// The variables lie in the arena, so a slot as large as it holds them, and the page more holds the header.
enum { kPageBytes = 4096, kProgramBytes = 8, kSlotPages = kModelArenaBytesCortexM / kPageBytes + 2 };

__attribute__((section(".checkpoints"))) static uint8_t flash[2 * kSlotPages * kPageBytes];

static int Erase(void* context, uint32_t page) {
  (void)context;
  memset(flash + page * kPageBytes, 0xFF, kPageBytes);
  return 0;
}

// Flash only clears bits.
static int Program(void* context, uint32_t offset, const void* data, uint32_t n) {
  (void)context;
  const uint8_t* const bytes = (const uint8_t*)data;
  for (uint32_t i = 0; i < n; ++i) flash[offset + i] = flash[offset + i] & bytes[i];
  return 0;
}

static int Read(void* context, uint32_t offset, void* data, uint32_t n) {
  (void)context;
  memcpy(data, flash + offset, n);
  return 0;
}

const TfdgsuCheckpointStorage kFlash = {NULL, Erase, Program, Read, kPageBytes, kProgramBytes, kSlotPages};

void FlashEraseAll(void) { memset(flash, 0xFF, sizeof(flash)); }

const uint8_t* FlashAt(uint32_t offset) { return flash + offset; }
