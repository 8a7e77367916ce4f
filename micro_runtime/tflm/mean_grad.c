// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuMeanGradOptions* o) {
  if (!TfdgsuReadOptions(node, o, sizeof(*o))) return false;
  const int32_t full[] = {o->outer, o->reduced, o->inner};
  const int32_t kept[] = {o->outer, o->inner};
  const int32_t n = TfdgsuProduct(full, 3);
  if (n < 0 || TfdgsuElements(TfdgsuOutput(context, node, 0)) != n) return false;
  return TfdgsuElements(TfdgsuInput(context, node, 1)) == TfdgsuProduct(kept, 2);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuMeanGradOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_MEAN_GRAD_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &o) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuMeanGradOptions o;
  if (!Bind(context, node, &o)) return kTfLiteError;
  tfdgsu_mean_grad_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)),
                       TfdgsuFloats(TfdgsuInput(context, node, 1)), o.outer, o.reduced, o.inner);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(MeanGrad)
