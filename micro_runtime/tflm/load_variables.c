// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "adapter.h"

// The op's only state: are the variables loaded?
static void* Init(TfLiteContext* context, const char* buffer, size_t length) {
  (void)buffer;
  (void)length;
  int32_t* loaded = (int32_t*)context->AllocatePersistentBuffer(context, sizeof(int32_t));
  if (loaded) *loaded = 0;
  return loaded;
}

static void Reset(TfLiteContext* context, void* buffer) {
  (void)context;
  if (buffer) *(int32_t*)buffer = 0;
}

// Bytes of the element types that variables have.
static int32_t ElementBytes(const TfLiteEvalTensor* tensor) {
  switch (tensor->type) {
    case kTfLiteFloat32:
    case kTfLiteInt32:
      return 4;
    case kTfLiteInt8:
    case kTfLiteUInt8:
      return 1;
    default:
      return 0;
  }
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuLoadVariablesOptions options;
  if (!node->user_data || !TfdgsuReadOptions(node, &options, sizeof(options))) return kTfLiteError;
  const int64_t n = options.n_variables;
  if (n < 1 || !node->inputs || node->inputs->size != 2 * n) return kTfLiteError;
  if (node->outputs && node->outputs->size != 0) return kTfLiteError;
  for (int i = 0; i < (int)n; ++i) {
    const TfLiteEvalTensor* factory = TfdgsuInput(context, node, i);
    const TfLiteEvalTensor* variable = TfdgsuInput(context, node, (int)n + i);
    if (!factory || !variable || !factory->data.data) return kTfLiteError;
    if (factory->type != variable->type || !TfdgsuSameShape(factory, variable)) {
      return kTfLiteError;
    }
    if (TfdgsuElements(factory) < 0 || !ElementBytes(factory)) return kTfLiteError;
  }
  return kTfLiteOk;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  int32_t* loaded = (int32_t*)node->user_data;
  if (*loaded) return kTfLiteOk;
  const int n = node->inputs->size / 2;
  for (int i = 0; i < n; ++i) {
    const TfLiteEvalTensor* factory = TfdgsuInput(context, node, i);
    const TfLiteEvalTensor* variable = TfdgsuInput(context, node, n + i);
    const size_t bytes = (size_t)TfdgsuElements(factory) * (size_t)ElementBytes(factory);
    memcpy(variable->data.data, factory->data.data, bytes);
  }
  *loaded = 1;
  return kTfLiteOk;
}

const struct TFLMRegistration* TfdgsuRegistrationLoadVariables(void) {
  static const struct TFLMRegistration kRegistration = {Init,  NULL, Prepare, Invoke,
                                                        Reset, 0,    NULL};
  return &kRegistration;
}
