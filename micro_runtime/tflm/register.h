// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Registration of every tfdgsu op with an op resolver of TensorFlow Lite Micro.
//
// C++ firmware:
//   tflite::MicroMutableOpResolver<kMyBuiltins + kTfdgsuOpCount> resolver;
//   if (RegisterTfdgsuOps(&resolver) != kTfLiteOk) { ... }

#ifndef TFDGSU_TFLM_REGISTER_H_
#define TFDGSU_TFLM_REGISTER_H_

#include "upstream_names.h"

enum {
#define TFDGSU_OP(name, file) kTfdgsuOpIndex##name,
#include "ops.inc"
#undef TFDGSU_OP
  kTfdgsuOpCount
};

#ifdef __cplusplus
extern "C" {
#endif

// Adds one op to `resolver`; what the caller's resolver offers as AddCustom.
typedef TfLiteStatus (*TfdgsuAddCustom)(void* resolver, const char* name,
                                        const struct TFLMRegistration* registration);

// Calls `add_custom` once per op of ops.inc; stops at the first that fails and returns its status.
TfLiteStatus TfdgsuRegisterOpsWith(void* resolver, TfdgsuAddCustom add_custom);

#define TFDGSU_OP(name, file) const struct TFLMRegistration* TfdgsuRegistration##name(void);
#include "ops.inc"
#undef TFDGSU_OP

#ifdef __cplusplus
}  // extern "C"

template <typename Resolver>
TfLiteStatus RegisterTfdgsuOps(Resolver* resolver) {
  return TfdgsuRegisterOpsWith(
      resolver, [](void* self, const char* name, const TFLMRegistration* registration) {
        return static_cast<Resolver*>(self)->AddCustom(name, registration);
      });
}
#endif

#endif  // TFDGSU_TFLM_REGISTER_H_
