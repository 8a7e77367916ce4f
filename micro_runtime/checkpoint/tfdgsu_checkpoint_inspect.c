// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: blob.h.

#include <stddef.h>
#include <string.h>

#include "blob.h"
#include "crc32.h"

const uint8_t kTfdgsuCheckpointMagic[kTfdgsuMagicBytes] = {'T', 'F', 'D', 'G', 'S', 'W', '\r', '\n'};

// The CRC of the slot's first n bytes; 0 for success.
static int ReadCrc(const TfdgsuCheckpointStorage* storage, uint32_t start, uint32_t n, uint32_t* crc) {
  uint8_t piece[kTfdgsuPieceBytes];
  *crc = 0;
  for (uint32_t done = 0; done < n;) {
    const uint32_t size = n - done < sizeof(piece) ? n - done : (uint32_t)sizeof(piece);
    if (storage->read(storage->context, start + done, piece, size)) return 1;
    *crc = tfdgsu_crc32(*crc, piece, size);
    done += size;
  }
  return 0;
}

static int IsErased(const uint8_t* bytes, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    if (bytes[i] != 0xFFu) return 0;
  }
  return 1;
}

// Whether the blob at `start`, of `bytes` bytes, has the segments of the call.
static TfdgsuCheckpointStatus CheckTable(const TfdgsuCheckpointCall* call, uint32_t start, uint32_t bytes) {
  uint8_t entry[4];
  if (bytes != tfdgsu_checkpoint_bytes(call->segments, call->n_segments)) return kTfdgsuCheckpointOtherVariables;
  for (uint32_t i = 0; i < call->n_segments; ++i) {
    const uint32_t at = start + kTfdgsuCheckpointHeaderBytes + 4 * i;
    if (call->storage->read(call->storage->context, at, entry, 4)) return kTfdgsuCheckpointDamaged;
    if (tfdgsu_get_u32(entry) != call->segments[i].bytes) return kTfdgsuCheckpointOtherVariables;
  }
  return kTfdgsuCheckpointOk;
}

TfdgsuSlot tfdgsu_checkpoint_inspect(const TfdgsuCheckpointCall* call, uint32_t slot) {
  const TfdgsuCheckpointStorage* storage = call->storage;
  const uint32_t slot_bytes = tfdgsu_slot_bytes(storage), start = slot * slot_bytes;
  uint8_t header[kTfdgsuCheckpointHeaderBytes], stored[kTfdgsuCrcBytes];
  TfdgsuSlot result = {kTfdgsuCheckpointDamaged, 0, 0};
  uint32_t crc;
  if (slot_bytes < sizeof(header) + sizeof(stored)) return result;
  if (storage->read(storage->context, start, header, sizeof(header))) return result;
  if (IsErased(header, sizeof(header))) {
    result.status = kTfdgsuCheckpointEmpty;
    return result;
  }
  const uint32_t bytes = tfdgsu_get_u32(header + kTfdgsuLengthOffset);
  if (memcmp(header, kTfdgsuCheckpointMagic, kTfdgsuMagicBytes) != 0) return result;
  if (bytes < sizeof(header) + sizeof(stored) || bytes > slot_bytes) return result;
  if (ReadCrc(storage, start, bytes - kTfdgsuCrcBytes, &crc)) return result;
  if (storage->read(storage->context, start + bytes - kTfdgsuCrcBytes, stored, sizeof(stored))) return result;
  if (tfdgsu_get_u32(stored) != crc) return result;
  result.bytes = bytes;
  result.sequence = tfdgsu_get_u32(header + kTfdgsuSequenceOffset);
  if (tfdgsu_get_u32(header + kTfdgsuVersionOffset) != kTfdgsuVersion) {
    result.status = kTfdgsuCheckpointOtherVersion;
  } else if (tfdgsu_get_u32(header + kTfdgsuBundleBytesOffset) != call->bundle->file_bytes ||
             tfdgsu_get_u32(header + kTfdgsuBundleCrcOffset) != call->bundle->crc32) {
    result.status = kTfdgsuCheckpointOtherBundle;
  } else if (tfdgsu_get_u32(header + kTfdgsuCountOffset) != call->n_segments) {
    result.status = kTfdgsuCheckpointOtherVariables;
  } else {
    result.status = CheckTable(call, start, bytes);
  }
  return result;
}

int tfdgsu_checkpoint_newest(const TfdgsuSlot slots[2], uint32_t excluded) {
  const int has_0 = slots[0].status == kTfdgsuCheckpointOk && !(excluded & 1u);
  const int has_1 = slots[1].status == kTfdgsuCheckpointOk && !(excluded & 2u);
  if (has_0 && has_1) return tfdgsu_is_later(slots[1].sequence, slots[0].sequence);
  return has_1 ? 1 : has_0 ? 0 : -1;
}
