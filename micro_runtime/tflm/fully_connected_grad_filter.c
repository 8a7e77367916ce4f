// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuSgd* sgd) {
  TfdgsuFullyConnectedGradFilterOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return false;
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 2);
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 3);
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 5);
  if (TfdgsuRank(x) < 1 || TfdgsuRank(dy) < 1 || TfdgsuRank(w) != 2) return false;
  if (TfdgsuRows(x) != TfdgsuRows(dy) || TfdgsuLastSize(dy) != TfdgsuSize(w, 0)) return false;
  const int32_t k = TfdgsuLastSize(x);
  if (!TfdgsuChannelsFit(TfdgsuInput(context, node, 4), k, TfdgsuSize(w, 1))) return false;
  // Fits: the slice has at most as many elements as w.
  return TfdgsuBindSgd(TfdgsuInput(context, node, 1), TfdgsuInput(context, node, 6), o.momentum,
                       o.nesterov, TfdgsuSize(w, 0) * k, sgd);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuSgd sgd;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_FULLY_CONNECTED_GRAD_FILTER_OPERANDS)) {
    return kTfLiteError;
  }
  return Bind(context, node, &sgd) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuSgd sgd;
  if (!Bind(context, node, &sgd)) return kTfLiteError;
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 2);
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, 4);
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 5);
  if (!TfdgsuChannelsInRange(channels, TfdgsuSize(w, 1))) return kTfLiteError;
  tfdgsu_fully_connected_grad_filter_f32(
      TfdgsuFloats(w), TfdgsuFloats(TfdgsuInput(context, node, 6)), TfdgsuFloats(x),
      TfdgsuFloats(TfdgsuInput(context, node, 3)), TfdgsuInts(channels), &sgd, TfdgsuRows(x),
      TfdgsuLastSize(x), TfdgsuSize(w, 1), TfdgsuSize(w, 0));
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(FullyConnectedGradFilter)
