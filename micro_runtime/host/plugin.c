// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Lets the tflite-micro wheel run the tfdgsu ops. Pure C, so that a machine without a C++ compiler
// can build it: the one C++ function needed is found by its mangled name.

#define _GNU_SOURCE  // RTLD_DEFAULT

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "register.h"

// The declarations of host/include against the pinned wheel: byte offsets on x86-64.
#define CHECK_OFFSET(type, member, bytes) \
  typedef char type##_##member[offsetof(type, member) == (bytes) ? 1 : -1]
typedef struct TFLMRegistration Registration;
CHECK_OFFSET(TfLiteContext, AllocatePersistentBuffer, 112);
CHECK_OFFSET(TfLiteContext, RequestScratchBufferInArena, 128);
CHECK_OFFSET(TfLiteContext, GetScratchBuffer, 136);
CHECK_OFFSET(TfLiteContext, GetEvalTensor, 168);
CHECK_OFFSET(TfLiteNode, user_data, 24);
CHECK_OFFSET(TfLiteNode, custom_initial_data, 40);
CHECK_OFFSET(TfLiteNode, custom_initial_data_size, 48);
CHECK_OFFSET(TfLiteEvalTensor, dims, 8);
CHECK_OFFSET(TfLiteEvalTensor, type, 16);
CHECK_OFFSET(Registration, builtin_code, 40);
CHECK_OFFSET(Registration, custom_name, 48);

// tflite::MicroMutableOpResolver<200>::AddCustom(char const*, TFLMRegistration const*)
static const char kAddCustomSymbol[] =
    "_ZN6tflite22MicroMutableOpResolverILj200EE9AddCustomEPKcPK16TFLMRegistration";

// Called by the wheel's interpreter, by name, with its PythonOpsResolver.
__attribute__((visibility("default"))) bool TfdgsuRegisterHostOps(void* resolver) {
  void* symbol = dlsym(RTLD_DEFAULT, kAddCustomSymbol);
  TfdgsuAddCustom add_custom;
  if (!symbol) return false;
  // ISO C has no conversion from object to function pointer.
  memcpy(&add_custom, &symbol, sizeof(add_custom));
  return TfdgsuRegisterOpsWith(resolver, add_custom) == kTfLiteOk;
}
