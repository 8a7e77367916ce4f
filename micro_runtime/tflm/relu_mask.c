// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuReluMaskOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_RELU_MASK_OPERANDS)) return kTfLiteError;
  if (!TfdgsuReadOptions(node, &o, sizeof(o)) || !(o.low < o.high)) return kTfLiteError;
  const int32_t n = TfdgsuElements(TfdgsuInput(context, node, 1));
  const TfLiteEvalTensor* bits = TfdgsuOutput(context, node, 0);
  return TfdgsuIsVector(bits, TfdgsuMaskBytes(n)) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuReluMaskOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const TfLiteEvalTensor* y = TfdgsuInput(context, node, 1);
  uint8_t* bits = TfdgsuBytes(TfdgsuOutput(context, node, 0));
  if (TfdgsuIsInt8(y)) {
    tfdgsu_relu_mask_i8(bits, TfdgsuInt8s(y), o.low, o.high, TfdgsuElements(y));
  } else {
    tfdgsu_relu_mask_f32(bits, TfdgsuFloats(y), o.low, o.high, TfdgsuElements(y));
  }
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(ReluMask)
