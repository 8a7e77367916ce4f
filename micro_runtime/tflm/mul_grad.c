// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuMulGradOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_MUL_GRAD_OPERANDS)) return kTfLiteError;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* a = TfdgsuInput(context, node, 2);
  if (TfdgsuRank(dy) < 1 || !TfdgsuSameShape(dy, TfdgsuOutput(context, node, 0))) {
    return kTfLiteError;
  }
  const bool fits = TfdgsuIsVector(a, TfdgsuLastSize(dy)) || TfdgsuIsVector(a, 1);
  return fits ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* a = TfdgsuInput(context, node, 2);
  const int32_t c = TfdgsuSize(a, 0);
  tfdgsu_mul_grad_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)), TfdgsuFloats(dy),
                      TfdgsuFloats(a), TfdgsuElements(dy) / c, c);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(MulGrad)
