// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuApplyMaskOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_APPLY_MASK_OPERANDS)) return kTfLiteError;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  if (!TfdgsuSameShape(dy, TfdgsuOutput(context, node, 0))) return kTfLiteError;
  const int32_t bytes = TfdgsuMaskBytes(TfdgsuElements(dy));
  return TfdgsuIsVector(TfdgsuInput(context, node, 2), bytes) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuApplyMaskOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  tfdgsu_apply_mask_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)), TfdgsuFloats(dy),
                        TfdgsuBytes(TfdgsuInput(context, node, 2)), o.mask_alpha,
                        TfdgsuElements(dy));
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(ApplyMask)
