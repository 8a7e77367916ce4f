// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// NOR flash that loses power at a chosen step, and stops the test when it is misused.

#ifndef TFDGSU_TESTS_SIMULATED_FLASH_H_
#define TFDGSU_TESTS_SIMULATED_FLASH_H_

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tfdgsu/checkpoint.h"

#define REQUIRE(condition)                                                  \
  do {                                                                      \
    if (!(condition)) {                                                     \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);       \
      exit(1);                                                              \
    }                                                                       \
  } while (0)

// What a cut leaves behind of the bytes that were being programmed or erased.
typedef enum {
  kClean,      // up to a byte done, nothing behind it
  kBits,       // the byte under way has some of its bits
  kUnits,      // the unit under way and those behind it have some of their bits
  kWholeCall,  // all bytes of the call have some of their bits: no order within a page
  kEcc,        // the unit under way can't be read until it is erased
  kFlicker,    // bits of the unit under way read otherwise every time
  kFaults
} Fault;

enum { kEraseSteps = 8, kMaxFlash = 65536 };
enum { kReadable = 0, kUnreadable = 1, kFlickering = 2 };

typedef struct {
  uint8_t bytes[kMaxFlash];
  uint8_t is_dirty[kMaxFlash];  // programmed since the last whole erase
  uint8_t quality[kMaxFlash];
  uint32_t size, slot_bytes, page_bytes, program_bytes;
  int64_t steps_left;  // to the cut; negative: none
  int64_t steps;       // done
  Fault fault;
  int is_dead;
  int protected_slot;  // must not be touched; -1: none
  uint32_t last_programmed;
  int64_t calls_to_failure;  // of erase and program, without loss of power; negative: none
  uint32_t random;
} Flash;

static inline uint32_t Random(uint32_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

// True at the step at which power is lost.
static inline int Step(Flash* flash) {
  ++flash->steps;
  if (flash->steps_left != 0) {
    if (flash->steps_left > 0) --flash->steps_left;
    return 0;
  }
  flash->is_dead = 1;
  return 1;
}

static inline void Spoil(Flash* flash, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; ++i) {
    if (flash->fault == kEcc) flash->quality[i] = kUnreadable;
    if (flash->fault == kFlicker) flash->quality[i] = kFlickering;
  }
}

static inline int Fails(Flash* flash) {
  return flash->calls_to_failure >= 0 && flash->calls_to_failure-- == 0;
}

static inline int FlashErase(void* context, uint32_t page) {
  Flash* flash = (Flash*)context;
  const uint32_t start = page * flash->page_bytes, n = flash->page_bytes;
  REQUIRE(start + n <= flash->size);
  REQUIRE((int)(start / flash->slot_bytes) != flash->protected_slot);
  if (flash->is_dead || Fails(flash)) return 1;
  memset(flash->is_dirty + start, 1, n);
  for (uint32_t step = 0; step < kEraseSteps; ++step) {
    if (!Step(flash)) continue;
    for (uint32_t i = start; i < start + n; ++i) {
      const uint8_t random = (uint8_t)Random(&flash->random);
      const int is_before = (i - start) * kEraseSteps < n * step;
      if (flash->fault == kClean) {
        if (is_before) flash->bytes[i] = 0xFF;
      } else if (flash->fault == kBits) {
        if (is_before) flash->bytes[i] |= random;
      } else {
        flash->bytes[i] = step ? (uint8_t)(flash->bytes[i] | random) : random;
      }
    }
    Spoil(flash, start, start + n);
    return 1;
  }
  memset(flash->bytes + start, 0xFF, n);
  memset(flash->is_dirty + start, 0, n);
  memset(flash->quality + start, kReadable, n);
  return 0;
}

static inline void Tear(Flash* flash, uint32_t offset, const uint8_t* data, uint32_t n, uint32_t done) {
  const uint32_t unit = done / flash->program_bytes * flash->program_bytes;
  uint32_t from = done, to = done;
  if (flash->fault == kBits) to = done + 1;
  if (flash->fault == kUnits) from = unit, to = n;
  if (flash->fault == kWholeCall) from = 0, to = n;
  if (flash->fault == kEcc || flash->fault == kFlicker) from = unit, to = unit + flash->program_bytes;
  for (uint32_t i = 0; i < done && i < from; ++i) flash->bytes[offset + i] &= data[i];
  for (uint32_t i = from; i < to; ++i) flash->bytes[offset + i] &= (uint8_t)(data[i] | Random(&flash->random));
  Spoil(flash, offset + from, offset + to);
}

static inline int FlashProgram(void* context, uint32_t offset, const void* data, uint32_t n) {
  Flash* flash = (Flash*)context;
  REQUIRE(n > 0 && n <= 256 && offset % flash->program_bytes == 0 && n % flash->program_bytes == 0);
  REQUIRE(offset + n <= flash->size && offset / flash->slot_bytes == (offset + n - 1) / flash->slot_bytes);
  REQUIRE((int)(offset / flash->slot_bytes) != flash->protected_slot && (uintptr_t)data % 8 == 0);
  if (flash->is_dead || Fails(flash)) return 1;
  for (uint32_t i = 0; i < n; ++i) {
    REQUIRE(!flash->is_dirty[offset + i]);
    flash->is_dirty[offset + i] = 1;
  }
  flash->last_programmed = offset;
  for (uint32_t i = 0; i < n; ++i) {
    if (Step(flash)) {
      Tear(flash, offset, (const uint8_t*)data, n, i);
      return 1;
    }
  }
  for (uint32_t i = 0; i < n; ++i) flash->bytes[offset + i] &= ((const uint8_t*)data)[i];
  return 0;
}

static inline int FlashRead(void* context, uint32_t offset, void* data, uint32_t n) {
  Flash* flash = (Flash*)context;
  REQUIRE(n > 0 && offset + n <= flash->size);
  REQUIRE(offset / flash->slot_bytes == (offset + n - 1) / flash->slot_bytes);
  if (flash->is_dead) return 1;
  memcpy(data, flash->bytes + offset, n);
  for (uint32_t i = 0; i < n; ++i) {
    if (flash->quality[offset + i] == kUnreadable) return 1;
    // A torn bit reads as 1 or 0.
    if (flash->quality[offset + i] == kFlickering) ((uint8_t*)data)[i] &= (uint8_t)Random(&flash->random);
  }
  return 0;
}

static inline TfdgsuCheckpointStorage NewFlash(Flash* flash, uint32_t page, uint32_t unit, uint32_t pages) {
  const TfdgsuCheckpointStorage storage = {flash, FlashErase, FlashProgram, FlashRead, page, unit, pages};
  REQUIRE(2 * page * pages <= kMaxFlash);
  memset(flash, 0, sizeof(*flash));
  flash->page_bytes = page;
  flash->program_bytes = unit;
  flash->slot_bytes = page * pages;
  flash->size = 2 * flash->slot_bytes;
  flash->steps_left = flash->calls_to_failure = -1;
  flash->protected_slot = -1;
  flash->random = 1;
  memset(flash->bytes, 0xFF, flash->size);
  return storage;
}

// Only what the flash has of its size; the structs are large.
static inline void CopyFlash(Flash* to, const Flash* from) {
  memcpy(to->bytes, from->bytes, from->size);
  memcpy(to->is_dirty, from->is_dirty, from->size);
  memcpy(to->quality, from->quality, from->size);
  memcpy((uint8_t*)to + offsetof(Flash, size), (const uint8_t*)from + offsetof(Flash, size),
         sizeof(Flash) - offsetof(Flash, size));
}

static inline void Reboot(Flash* flash) {
  flash->is_dead = 0;
  flash->steps_left = -1;
  flash->protected_slot = -1;
}

#endif  // TFDGSU_TESTS_SIMULATED_FLASH_H_
