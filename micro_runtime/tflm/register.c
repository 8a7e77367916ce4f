// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "register.h"

#include <stddef.h>

typedef struct {
  const char* name;
  const struct TFLMRegistration* (*registration)(void);
} Op;

static const Op kOps[] = {
#define TFDGSU_OP(name, file) {"Tfdgsu" #name, TfdgsuRegistration##name},
#include "ops.inc"
#undef TFDGSU_OP
};

TfLiteStatus TfdgsuRegisterOpsWith(void* resolver, TfdgsuAddCustom add_custom) {
  for (size_t i = 0; i < sizeof(kOps) / sizeof(kOps[0]); ++i) {
    const TfLiteStatus status = add_custom(resolver, kOps[i].name, kOps[i].registration());
    if (status != kTfLiteOk) return status;
  }
  return kTfLiteOk;
}
