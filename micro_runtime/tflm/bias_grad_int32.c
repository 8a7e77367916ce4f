// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuIntegerSgd* update) {
  TfdgsuBiasGradInt32Options o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return false;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 2);
  if (TfdgsuRank(dy) < 1) return false;
  const int32_t c = TfdgsuLastSize(dy);
  return TfdgsuIsVector(TfdgsuInput(context, node, 3), c) &&
         TfdgsuIsVector(TfdgsuInput(context, node, 4), c) &&
         TfdgsuBindSgd(TfdgsuInput(context, node, 1), TfdgsuInput(context, node, 5), o.momentum,
                       o.nesterov, c, &update->sgd) &&
         TfdgsuBindRounding(TfdgsuInput(context, node, 6), o.rounding, o.seed, o.layer_id, update);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuIntegerSgd update;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_BIAS_GRAD_INT32_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &update) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuIntegerSgd update;
  if (!Bind(context, node, &update)) return kTfLiteError;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 2);
  const int32_t c = TfdgsuLastSize(dy);
  tfdgsu_bias_grad_i32(TfdgsuInts(TfdgsuInput(context, node, 3)),
                       TfdgsuFloats(TfdgsuInput(context, node, 5)),
                       TfdgsuFloats(TfdgsuInput(context, node, 4)), TfdgsuFloats(dy),
                       TfdgsuElements(dy) / c, c, &update);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(BiasGradInt32)
