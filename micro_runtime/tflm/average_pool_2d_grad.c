// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

// Sizes of the pooling from its tensors and options; false when they do not fit together.
static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuWindow* s) {
  TfdgsuAveragePool2DGradOptions o;
  const TfLiteEvalTensor* image = TfdgsuOutput(context, node, 0);
  const TfLiteEvalTensor* pooled = TfdgsuInput(context, node, 1);
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return false;
  if (TfdgsuRank(image) != 4 || TfdgsuRank(pooled) != 4) return false;
  const TfdgsuWindow window = {
      TfdgsuSize(image, 0),  TfdgsuSize(image, 1),  TfdgsuSize(image, 2),  TfdgsuSize(image, 3),
      TfdgsuSize(pooled, 1), TfdgsuSize(pooled, 2), TfdgsuSize(pooled, 3), o.filter_h,
      o.filter_w,            o.stride_h,            o.stride_w,            o.pad_top,
      o.pad_left};
  *s = window;
  if (TfdgsuSize(pooled, 0) != s->batches || s->out_c != s->in_c) return false;
  if (!TfdgsuWindowIsValid(s)) return false;
  return true;
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuWindow window;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_AVERAGE_POOL_2D_GRAD_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &window) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuWindow window;
  if (!Bind(context, node, &window)) return kTfLiteError;
  tfdgsu_average_pool_2d_grad_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)),
                                  TfdgsuFloats(TfdgsuInput(context, node, 1)), &window);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(AveragePool2DGrad)
