// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The fixed part of a bundle's metadata and the checks that a device can afford: that the file is
// whole. What the file says is checked on the host, by tfdgsu inspect and tfdgsu codegen.

#ifndef TFDGSU_TRAINER_BUNDLE_HEADER_H_
#define TFDGSU_TRAINER_BUNDLE_HEADER_H_

#include <stddef.h>
#include <stdint.h>

#include "tfdgsu/trainer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { kTfdgsuBundleFormatVersion = 1, kTfdgsuBundleAlignment = 16, kTfdgsuArenaAlignment = 16 };

// As the file has it behind its magic, little-endian. Sizes in bytes.
typedef struct {
  uint32_t format_version;
  uint32_t file_bytes;
  uint32_t crc32;
  uint32_t arena_bytes_x86_64;
  uint32_t minimum_arena_bytes_x86_64;
  uint32_t arena_bytes_cortex_m;
  uint32_t minimum_arena_bytes_cortex_m;
  uint32_t json_bytes;
} TfdgsuBundleHeader;

// Finds the header and checks magic, version, length and CRC-32. Reads every byte once or twice.
// data need not be aligned. *header is set when the status is Ok.
TfdgsuStatus TfdgsuCheckBundle(const void* data, size_t bytes, TfdgsuBundleHeader* header);

// Smallest arena, in bytes, that the bundle can be planned in on the target of this build.
size_t TfdgsuMinimumArenaBytes(const TfdgsuBundleHeader* header);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TFDGSU_TRAINER_BUNDLE_HEADER_H_
