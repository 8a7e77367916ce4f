// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/checkpoint.h.

#include <stddef.h>
#include <string.h>

#include "blob.h"

// Memory that holds a blob, as slot 0 of a storage whose slot 1 is erased.
typedef struct {
  const uint8_t* data;
  uint32_t bytes;
} Memory;

static int Read(void* context, uint32_t offset, void* data, uint32_t n) {
  const Memory* memory = (const Memory*)context;
  if (offset >= memory->bytes) {
    memset(data, 0xFF, n);
    return 0;
  }
  if (n > memory->bytes - offset) return 1;
  memcpy(data, memory->data + offset, n);
  return 0;
}

static int RefuseErase(void* context, uint32_t page) {
  (void)context;
  (void)page;
  return 1;
}

static int RefuseProgram(void* context, uint32_t offset, const void* data, uint32_t n) {
  (void)context;
  (void)offset;
  (void)data;
  (void)n;
  return 1;
}

TfdgsuCheckpointStatus tfdgsu_checkpoint_import(const TfdgsuBundleId* bundle, const TfdgsuCheckpointSegment* segments,
                                                uint32_t n_segments, const void* data, uint32_t bytes) {
  Memory memory = {(const uint8_t*)data, bytes};
  const TfdgsuCheckpointStorage storage = {&memory, RefuseErase, RefuseProgram, Read, bytes, 1, 1};
  if (!data || bytes > UINT32_MAX / 2) return kTfdgsuCheckpointBadArgument;
  if (bytes < kTfdgsuCheckpointHeaderBytes + kTfdgsuCrcBytes) return kTfdgsuCheckpointDamaged;
  // In flash, the rest of a slot follows a blob. A message that is longer than its blob was joined from two.
  if (tfdgsu_get_u32(memory.data + kTfdgsuLengthOffset) != bytes) return kTfdgsuCheckpointDamaged;
  return tfdgsu_checkpoint_restore(&storage, bundle, segments, n_segments);
}
