// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Arguments of the trainer: where numbers are, how many, and of which type.

#ifndef TFDGSU_TRAINER_ARRAY_H_
#define TFDGSU_TRAINER_ARRAY_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { kTfdgsuFloat32, kTfdgsuInt32, kTfdgsuInt8 } TfdgsuElementType;

// n elements that the callee only reads.
typedef struct {
  const void* data;
  size_t n;
  TfdgsuElementType type;
} TfdgsuArray;

static inline TfdgsuArray TfdgsuFloat32Array(const float* data, size_t n) {
  const TfdgsuArray array = {data, n, kTfdgsuFloat32};
  return array;
}
static inline TfdgsuArray TfdgsuInt32Array(const int32_t* data, size_t n) {
  const TfdgsuArray array = {data, n, kTfdgsuInt32};
  return array;
}
static inline TfdgsuArray TfdgsuInt8Array(const int8_t* data, size_t n) {
  const TfdgsuArray array = {data, n, kTfdgsuInt8};
  return array;
}

// A variable where it lives, in the arena: reading saves it, writing restores it. The name lies in
// the bundle. Valid until the trainer ends.
typedef struct {
  const char* name;
  void* data;
  size_t bytes;
  TfdgsuElementType type;
} TfdgsuVariable;

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TFDGSU_TRAINER_ARRAY_H_
