// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuAdvanceStepOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_ADVANCE_STEP_OPERANDS)) return kTfLiteError;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  return TfdgsuIsVector(TfdgsuInput(context, node, 1), 1) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  int32_t* step = TfdgsuInts(TfdgsuInput(context, node, 1));
  // Wraps to 0 after 2^31 - 1 steps.
  *step = *step == INT32_MAX ? 0 : *step + 1;
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(AdvanceStep)
