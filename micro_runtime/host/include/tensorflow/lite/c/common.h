// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The part of TensorFlow Lite Micro's C interface that a kernel touches, declared anew for the host
// plugin, because the tflite-micro wheel ships no headers. The layout is that of the pinned wheel
// (x86-64, TF_LITE_STATIC_MEMORY). Firmware must use the genuine headers instead: their layout
// depends on the target (arm-none-eabi has short enums).

#ifndef TFDGSU_HOST_TENSORFLOW_LITE_C_COMMON_H_
#define TFDGSU_HOST_TENSORFLOW_LITE_C_COMMON_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;

typedef enum {
  kTfLiteNoType = 0,
  kTfLiteFloat32 = 1,
  kTfLiteInt32 = 2,
  kTfLiteUInt8 = 3,
  kTfLiteInt8 = 9,
} TfLiteType;

typedef struct TfLiteIntArray {
  int size;
  int data[];
} TfLiteIntArray;

// The genuine union has one member per element type; they are all pointers.
typedef union TfLitePtrUnion {
  void* data;
  float* f;
  int32_t* i32;
  uint8_t* uint8;
  int8_t* int8;
} TfLitePtrUnion;

typedef struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  TfLiteType type;
} TfLiteEvalTensor;

typedef struct TfLiteNode {
  TfLiteIntArray* inputs;
  TfLiteIntArray* outputs;
  TfLiteIntArray* intermediates;
  void* user_data;
  void* builtin_data;
  const void* custom_initial_data;
  int custom_initial_data_size;
} TfLiteNode;

// Members that no adapter calls stand as opaque words.
typedef struct TfLiteContext {
  size_t tensors_size;
  void* unused_before_allocation[13];
  void* (*AllocatePersistentBuffer)(struct TfLiteContext* context, size_t bytes);
  void* unused_allocate_buffer_for_eval;
  TfLiteStatus (*RequestScratchBufferInArena)(struct TfLiteContext* context, size_t bytes,
                                              int* buffer_idx);
  void* (*GetScratchBuffer)(struct TfLiteContext* context, int buffer_idx);
  void* unused_after_scratch[3];
  TfLiteEvalTensor* (*GetEvalTensor)(const struct TfLiteContext* context, int tensor_idx);
} TfLiteContext;

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_HOST_TENSORFLOW_LITE_C_COMMON_H_
