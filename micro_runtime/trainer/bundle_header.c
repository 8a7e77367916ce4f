// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "tfdgsu/trainer/bundle_header.h"

#include <string.h>

#include "../checkpoint/crc32.h"

static const char kMagic[8] = {'T', 'F', 'D', 'G', 'S', 'U', '\r', '\n'};
enum { kVersionOffset = 8, kFileBytesOffset = 12, kCrcOffset = 16, kHeaderBytes = 40 };
// Below this TFLM crashes before it can complain: its allocators live in the arena too.
enum { kSmallestArenaBytes = 1024 };

static uint32_t ReadWord(const uint8_t* p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

// Start of the next magic at or behind from, or NULL.
static const uint8_t* FindMagic(const uint8_t* from, const uint8_t* end) {
  while ((size_t)(end - from) >= sizeof(kMagic)) {
    const size_t n_starts = (size_t)(end - from) - sizeof(kMagic) + 1;
    const uint8_t* found = (const uint8_t*)memchr(from, kMagic[0], n_starts);
    if (!found || memcmp(found, kMagic, sizeof(kMagic)) == 0) return found;
    from = found + 1;
  }
  return NULL;
}

// Of the file, with the checksum field taken as zero.
static uint32_t Checksum(const uint8_t* data, uint32_t bytes, const uint8_t* crc_field) {
  static const uint8_t kZero[4] = {0, 0, 0, 0};
  const uint32_t before = (uint32_t)(crc_field - data);
  const uint32_t crc = tfdgsu_crc32(tfdgsu_crc32(0, data, before), kZero, sizeof(kZero));
  return tfdgsu_crc32(crc, crc_field + sizeof(kZero), bytes - before - (uint32_t)sizeof(kZero));
}

TfdgsuStatus TfdgsuCheckBundle(const void* data, size_t bytes, TfdgsuBundleHeader* header) {
  if (!data || !header) return kTfdgsuStatusNullPointer;
  const uint8_t* file = (const uint8_t*)data;
  const uint8_t* end = file + bytes;
  const uint8_t* start = FindMagic(file, end);
  if (!start || end - start < kHeaderBytes) return kTfdgsuStatusNotABundle;
  if (FindMagic(start + 1, end)) return kTfdgsuStatusNotABundle;
  if (ReadWord(start + kVersionOffset) != kTfdgsuBundleFormatVersion) {
    return kTfdgsuStatusBundleVersion;
  }
  if (ReadWord(start + kFileBytesOffset) != bytes) return kTfdgsuStatusBundleLength;
  const uint8_t* crc_field = start + kCrcOffset;
  if (Checksum(file, (uint32_t)bytes, crc_field) != ReadWord(crc_field)) return kTfdgsuStatusBundleDamaged;
  uint32_t words[(kHeaderBytes - kVersionOffset) / 4];
  for (size_t i = 0; i < sizeof(words) / 4; ++i) words[i] = ReadWord(start + kVersionOffset + 4 * i);
  header->format_version = words[0];
  header->file_bytes = words[1];
  header->crc32 = words[2];
  header->arena_bytes_x86_64 = words[3];
  header->minimum_arena_bytes_x86_64 = words[4];
  header->arena_bytes_cortex_m = words[5];
  header->minimum_arena_bytes_cortex_m = words[6];
  header->json_bytes = words[7];
  return kTfdgsuStatusOk;
}

size_t TfdgsuMinimumArenaBytes(const TfdgsuBundleHeader* header) {
  const size_t bytes = sizeof(void*) == 8 ? header->minimum_arena_bytes_x86_64
                                          : header->minimum_arena_bytes_cortex_m;
  return bytes > kSmallestArenaBytes ? bytes : kSmallestArenaBytes;
}
