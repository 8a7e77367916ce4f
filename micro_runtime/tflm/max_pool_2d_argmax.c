// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

// Sizes of the pooling from its tensors and options; false when they do not fit together.
static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuWindow* s) {
  TfdgsuMaxPool2DArgmaxOptions o;
  const TfLiteEvalTensor* image = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* pooled = TfdgsuOutput(context, node, 0);
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return false;
  s->filter_h = o.filter_h;
  s->filter_w = o.filter_w;
  s->stride_h = o.stride_h;
  s->stride_w = o.stride_w;
  s->pad_top = o.pad_top;
  s->pad_left = o.pad_left;
  if (!TfdgsuBindPool(image, pooled, s)) return false;
  // The index in the window is kept in one byte.
  return (int64_t)s->filter_h * s->filter_w <= 256;
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuWindow window;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_MAX_POOL_2D_ARGMAX_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &window) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuWindow window;
  if (!Bind(context, node, &window)) return kTfLiteError;
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 1);
  uint8_t* argmax = TfdgsuBytes(TfdgsuOutput(context, node, 0));
  if (TfdgsuIsInt8(x)) {
    tfdgsu_max_pool_2d_argmax_i8(argmax, TfdgsuInt8s(x), &window);
  } else {
    tfdgsu_max_pool_2d_argmax_f32(argmax, TfdgsuFloats(x), &window);
  }
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(MaxPool2DArgmax)
