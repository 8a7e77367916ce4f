// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/checkpoint.h.

#include <stddef.h>
#include <string.h>

#include "blob.h"
#include "crc32.h"

// Neither slot can be restored: the status that says most.
static TfdgsuCheckpointStatus Reason(const TfdgsuSlot slots[2]) {
  return slots[0].status > slots[1].status ? slots[0].status : slots[1].status;
}

// Copies a verified slot into the segments; 0 if its CRC is still that of this bundle's header, of this table and of
// what was copied.
static int Copy(const TfdgsuCheckpointCall* call, uint32_t slot, uint32_t sequence) {
  const TfdgsuCheckpointStorage* storage = call->storage;
  uint32_t at = slot * tfdgsu_slot_bytes(storage) + kTfdgsuCheckpointHeaderBytes + 4 * call->n_segments;
  uint8_t piece[kTfdgsuCheckpointHeaderBytes];
  tfdgsu_checkpoint_put_header(call, sequence, piece);
  uint32_t crc = tfdgsu_crc32(0, piece, sizeof(piece));
  for (uint32_t i = 0; i < call->n_segments; ++i) {
    tfdgsu_put_u32(piece, call->segments[i].bytes);
    crc = tfdgsu_crc32(crc, piece, 4);
  }
  for (uint32_t i = 0; i < call->n_segments; ++i) {
    uint8_t* data = (uint8_t*)call->segments[i].data;
    const uint32_t n = call->segments[i].bytes;
    if (n && storage->read(storage->context, at, data, n)) return 1;
    if (n) crc = tfdgsu_crc32(crc, data, n);
    at += n;
  }
  if (storage->read(storage->context, at, piece, kTfdgsuCrcBytes)) return 1;
  return tfdgsu_get_u32(piece) != crc;
}

TfdgsuCheckpointStatus tfdgsu_checkpoint_restore(const TfdgsuCheckpointStorage* storage, const TfdgsuBundleId* bundle,
                                                 const TfdgsuCheckpointSegment* segments, uint32_t n_segments) {
  const TfdgsuCheckpointCall call = {storage, bundle, segments, n_segments};
  const TfdgsuCheckpointStatus status = tfdgsu_checkpoint_check(&call);
  if (status) return status;
  const TfdgsuSlot slots[2] = {tfdgsu_checkpoint_inspect(&call, 0), tfdgsu_checkpoint_inspect(&call, 1)};
  uint32_t excluded = 0;
  for (;;) {
    const int newest = tfdgsu_checkpoint_newest(slots, excluded);
    if (newest < 0) return excluded ? kTfdgsuCheckpointUnstable : Reason(slots);
    if (!Copy(&call, (uint32_t)newest, slots[newest].sequence)) return kTfdgsuCheckpointOk;
    excluded |= 1u << newest;
  }
}

TfdgsuCheckpointStatus tfdgsu_checkpoint_find(const TfdgsuCheckpointStorage* storage, const TfdgsuBundleId* bundle,
                                              const TfdgsuCheckpointSegment* segments, uint32_t n_segments,
                                              TfdgsuCheckpointPlace* place) {
  const TfdgsuCheckpointCall call = {storage, bundle, segments, n_segments};
  const TfdgsuCheckpointStatus status = tfdgsu_checkpoint_check(&call);
  if (status) return status;
  if (!place) return kTfdgsuCheckpointBadArgument;
  const TfdgsuSlot slots[2] = {tfdgsu_checkpoint_inspect(&call, 0), tfdgsu_checkpoint_inspect(&call, 1)};
  const int newest = tfdgsu_checkpoint_newest(slots, 0);
  if (newest < 0) return Reason(slots);
  place->offset = (uint32_t)newest * tfdgsu_slot_bytes(storage);
  place->bytes = slots[newest].bytes;
  place->sequence = slots[newest].sequence;
  return kTfdgsuCheckpointOk;
}
