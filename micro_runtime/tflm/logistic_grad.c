// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuLogisticGradOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_LOGISTIC_GRAD_OPERANDS)) return kTfLiteError;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const TfLiteEvalTensor* y = TfdgsuInput(context, node, 1);
  if (!TfdgsuSameShape(y, TfdgsuInput(context, node, 2))) return kTfLiteError;
  return TfdgsuSameShape(y, TfdgsuOutput(context, node, 0)) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  const TfLiteEvalTensor* y = TfdgsuInput(context, node, 1);
  tfdgsu_logistic_grad_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)), TfdgsuFloats(y),
                           TfdgsuFloats(TfdgsuInput(context, node, 2)), TfdgsuElements(y));
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(LogisticGrad)
