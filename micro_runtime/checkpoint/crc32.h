// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// CRC-32 as zlib computes it, by a table of 64 bytes.

#ifndef TFDGSU_CHECKPOINT_CRC32_H_
#define TFDGSU_CHECKPOINT_CRC32_H_

#include <stdint.h>

// The CRC of `data` behind what `crc` is the CRC of; 0 for nothing.
uint32_t tfdgsu_crc32(uint32_t crc, const uint8_t* data, uint32_t n);

#endif  // TFDGSU_CHECKPOINT_CRC32_H_
