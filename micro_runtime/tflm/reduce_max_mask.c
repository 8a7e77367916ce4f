// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuReduceMaxMaskOptions* o) {
  if (!TfdgsuReadOptions(node, o, sizeof(*o))) return false;
  const int32_t full[] = {o->outer, o->reduced, o->inner};
  const int32_t kept[] = {o->outer, o->inner};
  const int32_t n = TfdgsuProduct(full, 3);
  if (n < 0 || TfdgsuElements(TfdgsuInput(context, node, 1)) != n) return false;
  if (!TfdgsuIsVector(TfdgsuOutput(context, node, 0), TfdgsuMaskBytes(n))) return false;
  return TfdgsuElements(TfdgsuInput(context, node, 2)) == TfdgsuProduct(kept, 2);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuReduceMaxMaskOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_REDUCE_MAX_MASK_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &o) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuReduceMaxMaskOptions o;
  if (!Bind(context, node, &o)) return kTfLiteError;
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* y = TfdgsuInput(context, node, 2);
  uint8_t* bits = TfdgsuBytes(TfdgsuOutput(context, node, 0));
  if (TfdgsuIsInt8(x)) {
    tfdgsu_reduce_max_mask_i8(bits, TfdgsuInt8s(x), TfdgsuInt8s(y), o.outer, o.reduced, o.inner);
  } else {
    tfdgsu_reduce_max_mask_f32(bits, TfdgsuFloats(x), TfdgsuFloats(y), o.outer, o.reduced,
                               o.inner);
  }
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(ReduceMaxMask)
