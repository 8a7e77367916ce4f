// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The blob's fields, and what a slot holds.

#ifndef TFDGSU_CHECKPOINT_BLOB_H_
#define TFDGSU_CHECKPOINT_BLOB_H_

#include <stdint.h>

#include "tfdgsu/checkpoint.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Variables are stored as they are in memory, which must be little-endian."
#endif

enum {
  kTfdgsuVersion = 2,
  kTfdgsuCrcBytes = 4,
  kTfdgsuPieceBytes = 64,  // read at a time
  kTfdgsuMagicBytes = 8,
  kTfdgsuVersionOffset = 8,
  kTfdgsuLengthOffset = 12,
  kTfdgsuBundleBytesOffset = 16,
  kTfdgsuBundleCrcOffset = 20,
  kTfdgsuSequenceOffset = 24,
  kTfdgsuCountOffset = 28
};

extern const uint8_t kTfdgsuCheckpointMagic[kTfdgsuMagicBytes];

// What a call works on, checked.
typedef struct {
  const TfdgsuCheckpointStorage* storage;
  const TfdgsuBundleId* bundle;
  const TfdgsuCheckpointSegment* segments;
  uint32_t n_segments;
} TfdgsuCheckpointCall;

// What a slot holds. Of an intact blob, of whatever bundle, the sequence number is valid.
typedef struct {
  TfdgsuCheckpointStatus status;  // Ok: may be restored
  uint32_t bytes;
  uint32_t sequence;
} TfdgsuSlot;

static inline uint32_t tfdgsu_get_u32(const uint8_t* from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static inline void tfdgsu_put_u32(uint8_t* to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t tfdgsu_slot_bytes(const TfdgsuCheckpointStorage* storage) {
  return storage->slot_pages * storage->page_bytes;
}

// An intact blob, though perhaps none of this bundle.
static inline int tfdgsu_is_intact(const TfdgsuSlot* slot) {
  return slot->status == kTfdgsuCheckpointOk || slot->status >= kTfdgsuCheckpointOtherVersion;
}

// Sequence numbers wrap: a is later if less than half of all numbers lie between.
static inline int tfdgsu_is_later(uint32_t a, uint32_t b) {
  return a != b && a - b < 0x80000000u;
}

// The header of a blob of this call.
void tfdgsu_checkpoint_put_header(const TfdgsuCheckpointCall* call, uint32_t sequence, uint8_t* header);

// Ok, BadStorage or BadArgument.
TfdgsuCheckpointStatus tfdgsu_checkpoint_check(const TfdgsuCheckpointCall* call);

// Reads a whole slot and says what it holds.
TfdgsuSlot tfdgsu_checkpoint_inspect(const TfdgsuCheckpointCall* call, uint32_t slot);

// The later of the restorable slots: 0 or 1, or -1 for neither. Bit i of `excluded` leaves slot i out.
int tfdgsu_checkpoint_newest(const TfdgsuSlot slots[2], uint32_t excluded);

#endif  // TFDGSU_CHECKPOINT_BLOB_H_
