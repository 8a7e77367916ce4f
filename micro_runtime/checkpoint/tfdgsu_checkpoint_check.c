// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contracts: blob.h and tfdgsu/checkpoint.h.

#include <stddef.h>

#include "blob.h"

uint32_t tfdgsu_checkpoint_bytes(const TfdgsuCheckpointSegment* segments, uint32_t n_segments) {
  // At most 2^32 * (4 + 2^32) and the frame, below 2^64 + what the loop stops at.
  uint64_t total = kTfdgsuCheckpointHeaderBytes + (uint64_t)4 * n_segments + kTfdgsuCrcBytes;
  for (uint32_t i = 0; i < n_segments && total <= UINT32_MAX; ++i) total += segments[i].bytes;
  return total <= UINT32_MAX ? (uint32_t)total : 0;
}

static int IsStorage(const TfdgsuCheckpointStorage* storage) {
  if (!storage->erase || !storage->program || !storage->read) return 0;
  if (storage->program_bytes < 1 || storage->program_bytes > kTfdgsuCheckpointMaxProgramBytes) return 0;
  if (storage->page_bytes < 1 || storage->page_bytes % storage->program_bytes) return 0;
  return storage->slot_pages >= 1 && storage->slot_pages <= (UINT32_MAX / 2) / storage->page_bytes;
}

TfdgsuCheckpointStatus tfdgsu_checkpoint_check(const TfdgsuCheckpointCall* call) {
  if (!call->storage || !IsStorage(call->storage)) return kTfdgsuCheckpointBadStorage;
  if (!call->bundle || (!call->segments && call->n_segments)) return kTfdgsuCheckpointBadArgument;
  for (uint32_t i = 0; i < call->n_segments; ++i) {
    if (!call->segments[i].data && call->segments[i].bytes) return kTfdgsuCheckpointBadArgument;
  }
  return tfdgsu_checkpoint_bytes(call->segments, call->n_segments) ? kTfdgsuCheckpointOk : kTfdgsuCheckpointBadArgument;
}
