// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/checkpoint.h.

#include <stddef.h>
#include <string.h>

#include "blob.h"
#include "crc32.h"

TfdgsuCheckpointStatus tfdgsu_checkpoint_export(const TfdgsuBundleId* bundle, const TfdgsuCheckpointSegment* segments,
                                                uint32_t n_segments, void* buffer, uint32_t buffer_bytes,
                                                uint32_t* bytes) {
  const TfdgsuCheckpointCall call = {NULL, bundle, segments, n_segments};
  if (!buffer || !bytes || !bundle || (!segments && n_segments)) return kTfdgsuCheckpointBadArgument;
  for (uint32_t i = 0; i < n_segments; ++i) {
    if (!segments[i].data && segments[i].bytes) return kTfdgsuCheckpointBadArgument;
  }
  *bytes = tfdgsu_checkpoint_bytes(segments, n_segments);
  if (!*bytes) return kTfdgsuCheckpointBadArgument;
  if (*bytes > buffer_bytes) return kTfdgsuCheckpointTooLarge;
  uint8_t* at = (uint8_t*)buffer;
  tfdgsu_checkpoint_put_header(&call, 0, at);
  at += kTfdgsuCheckpointHeaderBytes;
  for (uint32_t i = 0; i < n_segments; ++i, at += 4) tfdgsu_put_u32(at, segments[i].bytes);
  for (uint32_t i = 0; i < n_segments; ++i) {
    if (segments[i].bytes) memcpy(at, segments[i].data, segments[i].bytes);
    at += segments[i].bytes;
  }
  tfdgsu_put_u32(at, tfdgsu_crc32(0, (const uint8_t*)buffer, *bytes - kTfdgsuCrcBytes));
  return kTfdgsuCheckpointOk;
}
