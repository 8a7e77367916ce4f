// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Until autumn 2026 upstream declared TfLiteContext, TfLiteNode and the like outside all namespaces;
// since then, for C++, in tflite::micro. Both are found after this, in C++ too.

#ifndef TFDGSU_TFLM_UPSTREAM_NAMES_H_
#define TFDGSU_TFLM_UPSTREAM_NAMES_H_

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/micro_common.h"

#ifdef __cplusplus
namespace tflite {
namespace micro {}
}  // namespace tflite

using namespace tflite::micro;
#endif

#endif  // TFDGSU_TFLM_UPSTREAM_NAMES_H_
