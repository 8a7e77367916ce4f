// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Registration of a TensorFlow Lite Micro kernel; see c/common.h for why it is declared here.

#ifndef TFDGSU_HOST_TENSORFLOW_LITE_MICRO_MICRO_COMMON_H_
#define TFDGSU_HOST_TENSORFLOW_LITE_MICRO_MICRO_COMMON_H_

#include "tensorflow/lite/c/common.h"

struct TFLMRegistration {
  void* (*init)(TfLiteContext* context, const char* buffer, size_t length);
  void (*free)(TfLiteContext* context, void* buffer);
  TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
  TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
  void (*reset)(TfLiteContext* context, void* buffer);
  int32_t builtin_code;
  const char* custom_name;
};

#endif  // TFDGSU_HOST_TENSORFLOW_LITE_MICRO_MICRO_COMMON_H_
