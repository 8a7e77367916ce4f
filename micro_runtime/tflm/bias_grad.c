// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuSgd* sgd) {
  TfdgsuBiasGradOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return false;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 2);
  if (TfdgsuRank(dy) < 1) return false;
  const int32_t c = TfdgsuLastSize(dy);
  return TfdgsuIsVector(TfdgsuInput(context, node, 3), c) &&
         TfdgsuBindSgd(TfdgsuInput(context, node, 1), TfdgsuInput(context, node, 4), o.momentum,
                       o.nesterov, c, sgd);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuSgd sgd;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_BIAS_GRAD_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &sgd) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuSgd sgd;
  if (!Bind(context, node, &sgd)) return kTfLiteError;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 2);
  const int32_t c = TfdgsuLastSize(dy);
  tfdgsu_bias_grad_f32(TfdgsuFloats(TfdgsuInput(context, node, 3)),
                       TfdgsuFloats(TfdgsuInput(context, node, 4)), TfdgsuFloats(dy),
                       TfdgsuElements(dy) / c, c, &sgd);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(BiasGrad)
