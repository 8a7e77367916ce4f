// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The device's check of a bundle, and the id that checkpoints have of it, against a naive reading of the format.
//
// Input: a byte of flags, then the file. Flag 1 makes its length and checksum right, which no mutation would.

#include "expect.h"
#include "tfdgsu/checkpoint.h"
#include "tfdgsu/trainer/bundle_header.h"

enum { kLengthAt = 12, kCrcAt = 16, kHeaderBytes = 40 };

// Number of magics; `at` is the place of the first.
static int CountMagics(const uint8_t* file, size_t n, size_t* at) {
  int count = 0;
  for (size_t i = 0; i + 8 <= n; ++i) {
    if (memcmp(file + i, "TFDGSU\r\n", 8) != 0) continue;
    if (!count++) *at = i;
  }
  return count;
}

static uint32_t FileCrc(const uint8_t* file, size_t n, size_t crc_at) {
  const uint32_t before = SlowCrc(0xFFFFFFFFu, file, crc_at);
  const uint32_t zeroed = SlowCrc(before, (const uint8_t*)"\0\0\0\0", 4);
  return ~SlowCrc(zeroed, file + crc_at + 4, n - crc_at - 4);
}

static TfdgsuStatus Expected(const uint8_t* file, size_t n) {
  size_t at = 0;
  if (CountMagics(file, n, &at) != 1 || n - at < kHeaderBytes) return kTfdgsuStatusNotABundle;
  if (WordAt(file + at + 8) != kTfdgsuBundleFormatVersion) return kTfdgsuStatusBundleVersion;
  if (WordAt(file + at + kLengthAt) != n) return kTfdgsuStatusBundleLength;
  const uint32_t crc = FileCrc(file, n, at + kCrcAt);
  return WordAt(file + at + kCrcAt) == crc ? kTfdgsuStatusOk : kTfdgsuStatusBundleDamaged;
}

static void Repair(uint8_t* file, size_t n) {
  size_t at = 0;
  if (!CountMagics(file, n, &at) || n - at < kHeaderBytes) return;
  SetWord(file + at + kLengthAt, (uint32_t)n);
  SetWord(file + at + kCrcAt, FileCrc(file, n, at + kCrcAt));
}

static void CheckId(const uint8_t* file, size_t n, TfdgsuStatus status, const TfdgsuBundleHeader* header) {
  TfdgsuBundleId id = {0, 0};
  const TfdgsuCheckpointStatus found = tfdgsu_checkpoint_bundle_id(file, (uint32_t)n, &id);
  EXPECT(found == kTfdgsuCheckpointOk || found == kTfdgsuCheckpointBadArgument);
  EXPECT(found != kTfdgsuCheckpointOk || id.file_bytes == n);
  if (status != kTfdgsuStatusOk) return;
  EXPECT(found == kTfdgsuCheckpointOk && id.crc32 == header->crc32);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input = {data, size};
  const uint8_t flags = TakeByte(&input);
  uint8_t* file = (uint8_t*)NewBlock(input.size);
  if (input.size) memcpy(file, input.data, input.size);
  if (flags & 1) Repair(file, input.size);
  TfdgsuBundleHeader header, untouched;
  memset(&header, 0xA5, sizeof(header));
  memset(&untouched, 0xA5, sizeof(untouched));
  const TfdgsuStatus status = TfdgsuCheckBundle(file, input.size, &header);
  EXPECT(status == Expected(file, input.size));
  EXPECT(strcmp(TfdgsuStatusName(status), "Unknown") != 0);
  if (status != kTfdgsuStatusOk) {
    EXPECT(memcmp(&header, &untouched, sizeof(header)) == 0);
  } else {
    size_t at = 0;
    CountMagics(file, input.size, &at);
    EXPECT(header.file_bytes == input.size && header.json_bytes == WordAt(file + at + 36));
    EXPECT(TfdgsuMinimumArenaBytes(&header) >= WordAt(file + at + (sizeof(void*) == 8 ? 24 : 32)));
  }
  CheckId(file, input.size, status, &header);
  free(file);
  return 0;
}
