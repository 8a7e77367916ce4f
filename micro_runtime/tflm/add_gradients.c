// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuAddGradientsOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_ADD_GRADIENTS_OPERANDS)) return kTfLiteError;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const TfLiteEvalTensor* a = TfdgsuInput(context, node, 1);
  if (!TfdgsuSameShape(a, TfdgsuInput(context, node, 2))) return kTfLiteError;
  return TfdgsuSameShape(a, TfdgsuOutput(context, node, 0)) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  const TfLiteEvalTensor* a = TfdgsuInput(context, node, 1);
  tfdgsu_add_gradients_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)), TfdgsuFloats(a),
                           TfdgsuFloats(TfdgsuInput(context, node, 2)), TfdgsuElements(a));
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(AddGradients)
