// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "adapter.h"

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuCategoricalCrossentropyOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  if (o.from_logits != 0 && o.from_logits != 1) return kTfLiteError;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_CATEGORICAL_CROSSENTROPY_OPERANDS)) {
    return kTfLiteError;
  }
  const TfLiteEvalTensor* y_pred = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* label = TfdgsuInput(context, node, 2);
  if (TfdgsuRank(y_pred) != 2 || !TfdgsuSameShape(label, y_pred)) return kTfLiteError;
  if (!TfdgsuIsVector(TfdgsuOutput(context, node, 0), 1)) return kTfLiteError;
  return TfdgsuSameShape(TfdgsuOutput(context, node, 1), y_pred) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuCategoricalCrossentropyOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const TfLiteEvalTensor* y_pred = TfdgsuInput(context, node, 1);
  const float loss = tfdgsu_categorical_crossentropy_f32(
      TfdgsuFloats(TfdgsuOutput(context, node, 1)), TfdgsuFloats(y_pred),
      TfdgsuFloats(TfdgsuInput(context, node, 2)), o.from_logits, TfdgsuSize(y_pred, 0),
      TfdgsuSize(y_pred, 1));
  TfdgsuFloats(TfdgsuOutput(context, node, 0))[0] = loss;
  // The rest of the step must not move a weight.
  if (!isfinite(loss)) TfdgsuInts(TfdgsuInput(context, node, 0))[0] = 0;
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(CategoricalCrossentropy)
