// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuEpilogue* epilogue) {
  TfdgsuFullyConnectedGradInputOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return false;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 2);
  if (TfdgsuRank(dy) < 1 || TfdgsuRank(w) != 2) return false;
  if (TfdgsuLastSize(dy) != TfdgsuSize(w, 0)) return false;
  const int32_t sizes[] = {TfdgsuRows(dy), TfdgsuSize(w, 1)};
  const int32_t n = TfdgsuElements(TfdgsuOutput(context, node, 0));
  return TfdgsuProduct(sizes, 2) == n &&
         TfdgsuBindEpilogue(TfdgsuInput(context, node, 3), TfdgsuInput(context, node, 4),
                            o.mask_alpha, n, epilogue);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuEpilogue epilogue;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_FULLY_CONNECTED_GRAD_INPUT_OPERANDS)) {
    return kTfLiteError;
  }
  return Bind(context, node, &epilogue) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuEpilogue epilogue;
  if (!Bind(context, node, &epilogue)) return kTfLiteError;
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 2);
  tfdgsu_fully_connected_grad_input_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)),
                                        TfdgsuFloats(dy), TfdgsuFloats(w), &epilogue,
                                        TfdgsuRows(dy), TfdgsuSize(w, 1), TfdgsuSize(w, 0));
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(FullyConnectedGradInput)
