// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: blob.h.

#include <stddef.h>
#include <string.h>

#include "blob.h"
#include "crc32.h"

const uint8_t kTfdgsuCheckpointMagic[kTfdgsuMagicBytes] = {'T', 'F', 'D', 'G', 'S', 'W', '\r', '\n'};

void tfdgsu_checkpoint_put_header(const TfdgsuCheckpointCall* call, uint32_t sequence, uint8_t* header) {
  memcpy(header, kTfdgsuCheckpointMagic, kTfdgsuMagicBytes);
  tfdgsu_put_u32(header + kTfdgsuVersionOffset, kTfdgsuVersion);
  tfdgsu_put_u32(header + kTfdgsuLengthOffset, tfdgsu_checkpoint_bytes(call->segments, call->n_segments));
  tfdgsu_put_u32(header + kTfdgsuBundleBytesOffset, call->bundle->file_bytes);
  tfdgsu_put_u32(header + kTfdgsuBundleCrcOffset, call->bundle->crc32);
  tfdgsu_put_u32(header + kTfdgsuSequenceOffset, sequence);
  tfdgsu_put_u32(header + kTfdgsuCountOffset, call->n_segments);
}

// Continues the CRC with the n bytes at `at`; 0 for success.
static int ReadCrc(const TfdgsuCheckpointStorage* storage, uint32_t at, uint32_t n, uint32_t* crc) {
  uint8_t piece[kTfdgsuPieceBytes];
  for (uint32_t done = 0; done < n;) {
    const uint32_t size = n - done < sizeof(piece) ? n - done : (uint32_t)sizeof(piece);
    if (storage->read(storage->context, at + done, piece, size)) return 1;
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

// What the header says the blob is, if it is intact: Ok if only the table is still to be compared.
static TfdgsuCheckpointStatus Judge(const TfdgsuCheckpointCall* call, const uint8_t* header) {
  const uint32_t expected_bytes = tfdgsu_checkpoint_bytes(call->segments, call->n_segments);
  if (tfdgsu_get_u32(header + kTfdgsuVersionOffset) != kTfdgsuVersion) return kTfdgsuCheckpointOtherVersion;
  if (tfdgsu_get_u32(header + kTfdgsuBundleBytesOffset) != call->bundle->file_bytes ||
      tfdgsu_get_u32(header + kTfdgsuBundleCrcOffset) != call->bundle->crc32) {
    return kTfdgsuCheckpointOtherBundle;
  }
  if (tfdgsu_get_u32(header + kTfdgsuCountOffset) != call->n_segments ||
      tfdgsu_get_u32(header + kTfdgsuLengthOffset) != expected_bytes) {
    return kTfdgsuCheckpointOtherVariables;
  }
  return kTfdgsuCheckpointOk;
}

// Continues the CRC with the table at `at`, and compares it: Ok, OtherVariables, or Damaged if it can't be read.
static TfdgsuCheckpointStatus ReadTable(const TfdgsuCheckpointCall* call, uint32_t at, uint32_t* crc) {
  TfdgsuCheckpointStatus status = kTfdgsuCheckpointOk;
  uint8_t entry[4];
  for (uint32_t i = 0; i < call->n_segments; ++i) {
    if (call->storage->read(call->storage->context, at + 4 * i, entry, 4)) return kTfdgsuCheckpointDamaged;
    *crc = tfdgsu_crc32(*crc, entry, 4);
    if (tfdgsu_get_u32(entry) != call->segments[i].bytes) status = kTfdgsuCheckpointOtherVariables;
  }
  return status;
}

TfdgsuSlot tfdgsu_checkpoint_inspect(const TfdgsuCheckpointCall* call, uint32_t slot) {
  const TfdgsuCheckpointStorage* storage = call->storage;
  const uint32_t slot_bytes = tfdgsu_slot_bytes(storage), start = slot * slot_bytes;
  uint8_t header[kTfdgsuCheckpointHeaderBytes], stored[kTfdgsuCrcBytes];
  TfdgsuSlot result = {kTfdgsuCheckpointDamaged, 0, 0};
  if (slot_bytes < sizeof(header) + sizeof(stored)) return result;
  if (storage->read(storage->context, start, header, sizeof(header))) return result;
  if (IsErased(header, sizeof(header))) {
    result.status = kTfdgsuCheckpointEmpty;
    return result;
  }
  const uint32_t bytes = tfdgsu_get_u32(header + kTfdgsuLengthOffset);
  if (memcmp(header, kTfdgsuCheckpointMagic, kTfdgsuMagicBytes) != 0) return result;
  if (bytes < sizeof(header) + sizeof(stored) || bytes > slot_bytes) return result;
  // Every byte is read once: what is judged is what the CRC was taken of, though flash may read otherwise next time.
  uint32_t done = (uint32_t)sizeof(header), crc = tfdgsu_crc32(0, header, done);
  TfdgsuCheckpointStatus status = Judge(call, header);
  if (status == kTfdgsuCheckpointOk) {
    status = ReadTable(call, start + done, &crc);
    if (status == kTfdgsuCheckpointDamaged) return result;
    done += 4 * call->n_segments;
  }
  if (ReadCrc(storage, start + done, bytes - kTfdgsuCrcBytes - done, &crc)) return result;
  if (storage->read(storage->context, start + bytes - kTfdgsuCrcBytes, stored, sizeof(stored))) return result;
  if (tfdgsu_get_u32(stored) != crc) return result;
  result.status = status;
  result.bytes = bytes;
  result.sequence = tfdgsu_get_u32(header + kTfdgsuSequenceOffset);
  return result;
}

int tfdgsu_checkpoint_newest(const TfdgsuSlot slots[2], uint32_t excluded) {
  const int has_0 = slots[0].status == kTfdgsuCheckpointOk && !(excluded & 1u);
  const int has_1 = slots[1].status == kTfdgsuCheckpointOk && !(excluded & 2u);
  if (has_0 && has_1) return tfdgsu_is_later(slots[1].sequence, slots[0].sequence);
  return has_1 ? 1 : has_0 ? 0 : -1;
}
