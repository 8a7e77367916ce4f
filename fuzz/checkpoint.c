// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// find, restore and save on two slots with arbitrary contents, whose reads, programs and erasures may fail or lie.
//
// Input: a byte each of program unit, units per page, pages per slot, flags, number of segments; their sizes;
// numbers of the read that fails, the read that has a wrong bit, the program and the erasure that fail (0: none);
// the image, half of it for each slot. Flags 1 and 2 make slot 0 or 1 a blob of this bundle with a right checksum
// around the contents, 4 and 8 only its checksum right. Flag 16 takes the sizes of the storage as they come.

#include "expect.h"
#include "tfdgsu/checkpoint.h"

enum { kMaxSegments = 8, kMaxSlotBytes = 4096, kHeader = 32, kFaults = 4 };
enum { kReadFails, kReadLies, kProgramFails, kEraseFails };

static const TfdgsuBundleId kBundle = {123456, 0xDEADBEEFu};

typedef struct {
  uint8_t* bytes;
  uint8_t* is_programmed;
  uint32_t slot_bytes, page_bytes, program_bytes;
  uint32_t calls[kFaults], faulty[kFaults];
  int wrong_bit;
} Flash;

typedef struct {
  TfdgsuCheckpointSegment segments[kMaxSegments];
  uint8_t* before;  // all of them, back to back
  uint32_t n, bytes;
} Variables;

static int IsFaulty(Flash* flash, int what) { return ++flash->calls[what] == flash->faulty[what]; }

// Inside one slot, and not empty.
static void ExpectRange(const Flash* flash, uint32_t offset, uint32_t n) {
  EXPECT(n > 0 && n <= flash->slot_bytes && offset < 2 * flash->slot_bytes);
  EXPECT(offset / flash->slot_bytes == (offset + n - 1) / flash->slot_bytes);
}

static int Erase(void* context, uint32_t page) {
  Flash* flash = (Flash*)context;
  EXPECT(page < 2 * flash->slot_bytes / flash->page_bytes);
  if (IsFaulty(flash, kEraseFails)) return 1;
  memset(flash->bytes + page * flash->page_bytes, 0xFF, flash->page_bytes);
  memset(flash->is_programmed + page * flash->page_bytes, 0, flash->page_bytes);
  return 0;
}

static int Program(void* context, uint32_t offset, const void* data, uint32_t n) {
  Flash* flash = (Flash*)context;
  ExpectRange(flash, offset, n);
  EXPECT(n <= 256 && offset % flash->program_bytes == 0 && n % flash->program_bytes == 0);
  EXPECT((uintptr_t)data % 8 == 0);
  const int fails = IsFaulty(flash, kProgramFails);
  for (uint32_t i = 0; i < (fails ? n / 2 : n); ++i) {
    EXPECT(!flash->is_programmed[offset + i]);
    flash->is_programmed[offset + i] = 1;
    flash->bytes[offset + i] = ((const uint8_t*)data)[i];
  }
  return fails;
}

static int Read(void* context, uint32_t offset, void* data, uint32_t n) {
  Flash* flash = (Flash*)context;
  ExpectRange(flash, offset, n);
  if (IsFaulty(flash, kReadFails)) return 1;
  memcpy(data, flash->bytes + offset, n);
  const uint32_t bit = (uint32_t)flash->wrong_bit % (8 * n);
  if (IsFaulty(flash, kReadLies)) ((uint8_t*)data)[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  return 0;
}

static uint32_t BlobBytes(const Variables* variables) { return kHeader + 4 * variables->n + variables->bytes + 4; }

// Makes a slot a blob of this bundle and these variables; sequence number and payload stay.
static void MakeOurs(uint8_t* slot, uint32_t slot_bytes, const Variables* variables) {
  if (BlobBytes(variables) > slot_bytes) return;
  memcpy(slot, "TFDGSW\r\n", 8);
  SetWord(slot + 8, 2);
  SetWord(slot + 12, BlobBytes(variables));
  SetWord(slot + 16, kBundle.file_bytes);
  SetWord(slot + 20, kBundle.crc32);
  SetWord(slot + 28, variables->n);
  for (uint32_t i = 0; i < variables->n; ++i) SetWord(slot + kHeader + 4 * i, variables->segments[i].bytes);
}

static int IsWhole(const uint8_t* slot, uint32_t slot_bytes) {
  if (slot_bytes < kHeader + 4 || memcmp(slot, "TFDGSW\r\n", 8) != 0) return 0;
  const uint32_t bytes = WordAt(slot + 12);
  return bytes >= kHeader + 4 && bytes <= slot_bytes;
}

static void RepairCrc(uint8_t* slot, uint32_t slot_bytes) {
  if (!IsWhole(slot, slot_bytes)) return;
  const uint32_t end = WordAt(slot + 12) - 4;
  SetWord(slot + end, ~SlowCrc(0xFFFFFFFFu, slot, end));
}

// Whether restore may take the slot.
static int IsOurs(const uint8_t* slot, uint32_t slot_bytes, const Variables* variables) {
  if (!IsWhole(slot, slot_bytes) || WordAt(slot + 12) != BlobBytes(variables)) return 0;
  const uint32_t end = WordAt(slot + 12) - 4;
  if (WordAt(slot + end) != (uint32_t)~SlowCrc(0xFFFFFFFFu, slot, end)) return 0;
  if (WordAt(slot + 8) != 2 || WordAt(slot + 28) != variables->n) return 0;
  if (WordAt(slot + 16) != kBundle.file_bytes || WordAt(slot + 20) != kBundle.crc32) return 0;
  for (uint32_t i = 0; i < variables->n; ++i) {
    if (WordAt(slot + kHeader + 4 * i) != variables->segments[i].bytes) return 0;
  }
  return 1;
}

// The slot that must be restored, or -1.
static int Newest(const Flash* flash, const Variables* variables) {
  const uint8_t* slots[2] = {flash->bytes, flash->bytes + flash->slot_bytes};
  const int ours[2] = {IsOurs(slots[0], flash->slot_bytes, variables), IsOurs(slots[1], flash->slot_bytes, variables)};
  if (!ours[0] || !ours[1]) return ours[0] ? 0 : ours[1] ? 1 : -1;
  const uint32_t ahead = WordAt(slots[1] + 24) - WordAt(slots[0] + 24);
  return ahead != 0 && ahead < 0x80000000u;
}

static const uint8_t* Payload(const Flash* flash, const Variables* variables, int slot) {
  return flash->bytes + (uint32_t)slot * flash->slot_bytes + kHeader + 4 * variables->n;
}

static int VariablesAre(const Variables* variables, const uint8_t* values) {
  for (uint32_t i = 0; i < variables->n; ++i) {
    const TfdgsuCheckpointSegment* segment = &variables->segments[i];
    if (segment->bytes && memcmp(segment->data, values, segment->bytes) != 0) return 0;
    values += segment->bytes;
  }
  return 1;
}

// Other values than before, remembered.
static void SetVariables(Variables* variables, uint8_t value) {
  for (uint32_t i = 0, at = 0; i < variables->n; at += variables->segments[i++].bytes) {
    if (variables->segments[i].bytes) memset(variables->segments[i].data, value + (int)i, variables->segments[i].bytes);
    memset(variables->before + at, value + (int)i, variables->segments[i].bytes);
  }
}

static void TakeVariables(Input* input, Variables* variables) {
  variables->n = TakeByte(input) % (kMaxSegments + 1);
  variables->bytes = 0;
  for (uint32_t i = 0; i < variables->n; ++i) {
    const uint8_t n = TakeByte(input);
    variables->segments[i].data = n ? NewBlock(n) : NULL;
    variables->segments[i].bytes = n;
    variables->bytes += n;
  }
  variables->before = (uint8_t*)NewBlock(variables->bytes);
  SetVariables(variables, 0x11);
}

// Two newly blank slots would agree with any failure: what counts is what is there when a call begins.
static void Restore(const TfdgsuCheckpointStorage* storage, Flash* flash, Variables* variables) {
  TfdgsuCheckpointPlace place = {0, 0, 0};
  uint32_t faulty[kFaults];
  memcpy(faulty, flash->faulty, sizeof(faulty));
  memset(flash->faulty, 0, sizeof(flash->faulty));
  const int newest = Newest(flash, variables);
  const TfdgsuCheckpointStatus found =
      tfdgsu_checkpoint_find(storage, &kBundle, variables->segments, variables->n, &place);
  EXPECT((found == kTfdgsuCheckpointOk) == (newest >= 0) && found <= kTfdgsuCheckpointOtherVariables);
  EXPECT(newest < 0 || place.offset == (uint32_t)newest * flash->slot_bytes);
  EXPECT(newest < 0 || place.sequence == WordAt(flash->bytes + place.offset + 24));
  EXPECT(VariablesAre(variables, variables->before));
  memcpy(flash->faulty, faulty, sizeof(faulty));
  memset(flash->calls, 0, sizeof(flash->calls));
  const TfdgsuCheckpointStatus status =
      tfdgsu_checkpoint_restore(storage, &kBundle, variables->segments, variables->n);
  if (status == kTfdgsuCheckpointOk) {
    // Of a slot that does hold them, whatever was read on the way.
    int matches = 0;
    for (int slot = 0; slot < 2; ++slot) {
      matches |= IsOurs(flash->bytes + (uint32_t)slot * flash->slot_bytes, flash->slot_bytes, variables) &&
                 VariablesAre(variables, Payload(flash, variables, slot));
    }
    EXPECT(matches);
    if (!faulty[kReadFails] && !faulty[kReadLies]) EXPECT(VariablesAre(variables, Payload(flash, variables, newest)));
  } else {
    EXPECT(faulty[kReadFails] || faulty[kReadLies] || status == found);
    if (status != kTfdgsuCheckpointUnstable) EXPECT(VariablesAre(variables, variables->before));
  }
}

static void Save(const TfdgsuCheckpointStorage* storage, Flash* flash, Variables* variables) {
  SetVariables(variables, 0x77);
  memset(flash->calls, 0, sizeof(flash->calls));
  memset(flash->is_programmed, 1, 2 * flash->slot_bytes);
  const int newest = Newest(flash, variables), is_readable = !flash->faulty[kReadFails] && !flash->faulty[kReadLies];
  uint8_t* kept = (uint8_t*)NewBlock(flash->slot_bytes);
  if (newest >= 0) memcpy(kept, flash->bytes + (uint32_t)newest * flash->slot_bytes, flash->slot_bytes);
  const TfdgsuCheckpointStatus status = tfdgsu_checkpoint_save(storage, &kBundle, variables->segments, variables->n);
  if (newest >= 0 && is_readable) {
    EXPECT(memcmp(kept, flash->bytes + (uint32_t)newest * flash->slot_bytes, flash->slot_bytes) == 0);
  }
  free(kept);
  EXPECT((status == kTfdgsuCheckpointTooLarge) == (BlobBytes(variables) > flash->slot_bytes));
  if (is_readable && !flash->faulty[kProgramFails] && !flash->faulty[kEraseFails]) {
    EXPECT(status == kTfdgsuCheckpointOk || status == kTfdgsuCheckpointTooLarge);
  }
  EXPECT(VariablesAre(variables, variables->before));
  const int saved = Newest(flash, variables);
  if (status != kTfdgsuCheckpointOk || !is_readable) return;
  EXPECT(saved >= 0 && saved != newest && VariablesAre(variables, Payload(flash, variables, saved)));
}

static void RunOn(Input* input, TfdgsuCheckpointStorage* storage, Flash* flash, uint8_t flags) {
  Variables variables;
  TakeVariables(input, &variables);
  for (int i = 0; i < kFaults; ++i) flash->faulty[i] = TakeByte(input);
  flash->wrong_bit = TakeByte(input) << 8;
  flash->wrong_bit |= TakeByte(input);
  for (uint32_t slot = 0, left = (uint32_t)(input->size / 2); slot < 2; ++slot, left = (uint32_t)input->size) {
    uint8_t* bytes = flash->bytes + slot * flash->slot_bytes;
    for (uint32_t i = 0; i < left && i < flash->slot_bytes; ++i) bytes[i] = TakeByte(input);
    if (flags & 1u << slot) MakeOurs(bytes, flash->slot_bytes, &variables);
    if (flags & 5u << slot) RepairCrc(bytes, flash->slot_bytes);
  }
  Restore(storage, flash, &variables);
  Save(storage, flash, &variables);
  memset(flash->faulty, 0, sizeof(flash->faulty));
  SetVariables(&variables, 0x33);
  Restore(storage, flash, &variables);
  for (uint32_t i = 0; i < variables.n; ++i) free(variables.segments[i].data);
  free(variables.before);
}

// Sizes as they come, which must be refused before anything is called, or make sense.
static void RunWithoutSense(Input* input, TfdgsuCheckpointStorage* storage) {
  uint8_t words[16];
  for (int i = 0; i < 16; ++i) words[i] = TakeByte(input);
  storage->page_bytes = WordAt(words);
  storage->program_bytes = WordAt(words + 4);
  storage->slot_pages = WordAt(words + 8);
  TfdgsuCheckpointSegment segment = {NULL, WordAt(words + 12)};
  TfdgsuCheckpointPlace place;
  const TfdgsuCheckpointStatus status = tfdgsu_checkpoint_find(storage, &kBundle, &segment, 1, &place);
  EXPECT(status == kTfdgsuCheckpointBadStorage || status == kTfdgsuCheckpointBadArgument || !segment.bytes);
  const uint64_t slot_bytes = (uint64_t)storage->page_bytes * storage->slot_pages;
  EXPECT(status == kTfdgsuCheckpointBadStorage || (slot_bytes > 0 && slot_bytes < 1u << 31));
}

static int NeverReads(void* context, uint32_t offset, void* data, uint32_t n) {
  (void)context, (void)offset;
  memset(data, 0xFF, n);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input = {data, size};
  Flash flash;
  memset(&flash, 0, sizeof(flash));
  flash.program_bytes = TakeByte(&input) + 1u;
  flash.page_bytes = flash.program_bytes * (1u + TakeByte(&input) % 16);
  uint32_t pages = 1u + TakeByte(&input) % 32;
  if (pages * flash.page_bytes > kMaxSlotBytes) pages = 1;
  flash.slot_bytes = pages * flash.page_bytes;
  const uint8_t flags = TakeByte(&input);
  TfdgsuCheckpointStorage storage = {&flash, Erase, Program, Read, flash.page_bytes, flash.program_bytes, pages};
  if (flags & 16) {
    storage.read = NeverReads;
    RunWithoutSense(&input, &storage);
    return 0;
  }
  flash.bytes = (uint8_t*)NewBlock(2 * flash.slot_bytes);
  flash.is_programmed = (uint8_t*)NewBlock(2 * flash.slot_bytes);
  memset(flash.bytes, 0xFF, 2 * flash.slot_bytes);
  RunOn(&input, &storage, &flash, flags);
  free(flash.bytes);
  free(flash.is_programmed);
  return 0;
}
