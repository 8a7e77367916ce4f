// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/checkpoint.h.

#include <stddef.h>
#include <string.h>

#include "blob.h"
#include "crc32.h"

// Collects bytes into whole program units.
typedef struct {
  const TfdgsuCheckpointStorage* storage;
  uint32_t offset;    // of the buffer's first byte
  uint32_t used;      // bytes in the buffer
  uint32_t capacity;  // whole units, at most the buffer
  uint32_t crc;       // of all bytes so far
  union {
    uint64_t alignment;
    uint8_t bytes[kTfdgsuCheckpointMaxProgramBytes];
  } buffer;
} Writer;

// Programs the buffer's first n bytes and reads them back; the last unit is filled up with 0xFF. What is
// left must be less than a unit, or n be all.
static TfdgsuCheckpointStatus Flush(Writer* writer, uint32_t n) {
  const TfdgsuCheckpointStorage* storage = writer->storage;
  const uint32_t unit = storage->program_bytes, left = writer->used - n;
  uint8_t* bytes = writer->buffer.bytes;
  uint8_t piece[kTfdgsuPieceBytes];
  while (n % unit) bytes[n++] = 0xFF;
  if (n && storage->program(storage->context, writer->offset, bytes, n)) {
    return kTfdgsuCheckpointProgramFailed;
  }
  for (uint32_t done = 0; done < n;) {
    const uint32_t size = n - done < sizeof(piece) ? n - done : (uint32_t)sizeof(piece);
    const int failed = storage->read(storage->context, writer->offset + done, piece, size);
    if (failed || memcmp(piece, bytes + done, size) != 0) return kTfdgsuCheckpointVerifyFailed;
    done += size;
  }
  memmove(bytes, bytes + n, left);
  writer->offset += n;
  writer->used = left;
  return kTfdgsuCheckpointOk;
}

static TfdgsuCheckpointStatus Write(Writer* writer, const uint8_t* data, uint32_t n) {
  if (n) writer->crc = tfdgsu_crc32(writer->crc, data, n);
  while (n) {
    if (writer->used == writer->capacity) {
      const TfdgsuCheckpointStatus status = Flush(writer, writer->used);
      if (status) return status;
    }
    const uint32_t room = writer->capacity - writer->used, size = n < room ? n : room;
    memcpy(writer->buffer.bytes + writer->used, data, size);
    writer->used += size;
    data += size;
    n -= size;
  }
  return kTfdgsuCheckpointOk;
}

static TfdgsuCheckpointStatus WriteBlob(Writer* writer, const TfdgsuCheckpointCall* call, uint32_t sequence) {
  uint8_t header[kTfdgsuCheckpointHeaderBytes], entry[4];
  tfdgsu_checkpoint_put_header(call, sequence, header);
  TfdgsuCheckpointStatus status = Write(writer, header, sizeof(header));
  for (uint32_t i = 0; i < call->n_segments && !status; ++i) {
    tfdgsu_put_u32(entry, call->segments[i].bytes);
    status = Write(writer, entry, sizeof(entry));
  }
  for (uint32_t i = 0; i < call->n_segments && !status; ++i) {
    status = Write(writer, (const uint8_t*)call->segments[i].data, call->segments[i].bytes);
  }
  // Units that the commit record does not share go first, so that it is the last that is programmed.
  const uint32_t whole = writer->used - writer->used % writer->storage->program_bytes;
  tfdgsu_put_u32(entry, writer->crc);
  if (!status) status = Flush(writer, whole);
  if (!status) status = Write(writer, entry, sizeof(entry));
  return status ? status : Flush(writer, writer->used);
}

// Header first, so that a slot stops looking like a checkpoint at once. Pages that read as erased are
// erased too: a cut may have left them half way.
static int Erase(const TfdgsuCheckpointStorage* storage, uint32_t slot, uint32_t bytes) {
  for (uint32_t page = 0; page <= (bytes - 1) / storage->page_bytes; ++page) {
    if (storage->erase(storage->context, slot * storage->slot_pages + page)) return 1;
  }
  return 0;
}

// The slot that must not be touched: the newest of this bundle, else the later intact one of any other;
// -1 if there is neither.
static int ProtectedSlot(const TfdgsuSlot slots[2]) {
  const int newest = tfdgsu_checkpoint_newest(slots, 0);
  if (newest >= 0) return newest;
  if (tfdgsu_is_intact(&slots[0]) && tfdgsu_is_intact(&slots[1])) {
    return tfdgsu_is_later(slots[1].sequence, slots[0].sequence);
  }
  return tfdgsu_is_intact(&slots[1]) ? 1 : tfdgsu_is_intact(&slots[0]) ? 0 : -1;
}

TfdgsuCheckpointStatus tfdgsu_checkpoint_save(const TfdgsuCheckpointStorage* storage, const TfdgsuBundleId* bundle,
                                              const TfdgsuCheckpointSegment* segments, uint32_t n_segments) {
  const TfdgsuCheckpointCall call = {storage, bundle, segments, n_segments};
  TfdgsuCheckpointStatus status = tfdgsu_checkpoint_check(&call);
  if (status) return status;
  const uint32_t bytes = tfdgsu_checkpoint_bytes(segments, n_segments);
  if (bytes > tfdgsu_slot_bytes(storage)) return kTfdgsuCheckpointTooLarge;
  const TfdgsuSlot slots[2] = {tfdgsu_checkpoint_inspect(&call, 0), tfdgsu_checkpoint_inspect(&call, 1)};
  const int kept = ProtectedSlot(slots);
  const uint32_t slot = kept == 0 ? 1 : 0;
  const uint32_t sequence = kept < 0 ? 1 : slots[kept].sequence + 1;
  if (Erase(storage, slot, bytes)) return kTfdgsuCheckpointEraseFailed;
  Writer writer;
  writer.storage = storage;
  writer.offset = slot * tfdgsu_slot_bytes(storage);
  writer.used = 0;
  writer.capacity = kTfdgsuCheckpointMaxProgramBytes / storage->program_bytes * storage->program_bytes;
  writer.crc = 0;
  status = WriteBlob(&writer, &call, sequence);
  if (status) return status;
  const TfdgsuSlot written = tfdgsu_checkpoint_inspect(&call, slot);
  const int is_valid = written.status == kTfdgsuCheckpointOk && written.sequence == sequence;
  return is_valid ? kTfdgsuCheckpointOk : kTfdgsuCheckpointVerifyFailed;
}
