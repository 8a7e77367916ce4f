// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/checkpoint.h.

#include <stddef.h>
#include <string.h>

#include "blob.h"

enum { kFileBytesOffset = 12, kCrcOffset = 16, kHeaderEnd = 20 };

TfdgsuCheckpointStatus tfdgsu_checkpoint_bundle_id(const void* bundle, uint32_t bytes, TfdgsuBundleId* id) {
  static const uint8_t kMagic[8] = {'T', 'F', 'D', 'G', 'S', 'U', '\r', '\n'};
  const uint8_t* data = (const uint8_t*)bundle;
  if (!bundle || !id) return kTfdgsuCheckpointBadArgument;
  for (uint32_t i = 0; bytes >= kHeaderEnd && i <= bytes - kHeaderEnd; ++i) {
    if (data[i] != kMagic[0] || memcmp(data + i, kMagic, sizeof(kMagic)) != 0) continue;
    id->file_bytes = tfdgsu_get_u32(data + i + kFileBytesOffset);
    id->crc32 = tfdgsu_get_u32(data + i + kCrcOffset);
    return id->file_bytes == bytes ? kTfdgsuCheckpointOk : kTfdgsuCheckpointBadArgument;
  }
  return kTfdgsuCheckpointBadArgument;
}
