// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuMeanGradOptions* o,
                 TfdgsuEpilogue* epilogue) {
  if (!TfdgsuReadOptions(node, o, sizeof(*o))) return false;
  const int32_t full[] = {o->outer, o->reduced, o->inner};
  const int32_t kept[] = {o->outer, o->inner};
  const int32_t n = TfdgsuProduct(full, 3);
  if (n < 0 || TfdgsuElements(TfdgsuOutput(context, node, 0)) != n) return false;
  if (TfdgsuElements(TfdgsuInput(context, node, 1)) != TfdgsuProduct(kept, 2)) return false;
  return TfdgsuBindEpilogue(TfdgsuInput(context, node, 2), TfdgsuInput(context, node, 3),
                            o->mask_alpha, n, epilogue);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuMeanGradOptions o;
  TfdgsuEpilogue epilogue;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_MEAN_GRAD_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &o, &epilogue) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuMeanGradOptions o;
  TfdgsuEpilogue epilogue;
  if (!Bind(context, node, &o, &epilogue)) return kTfLiteError;
  tfdgsu_mean_grad_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)),
                       TfdgsuFloats(TfdgsuInput(context, node, 1)), &epilogue, o.outer, o.reduced,
                       o.inner);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(MeanGrad)
