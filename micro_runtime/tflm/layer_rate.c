// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuLayerRateOptions* o, TfdgsuLayerRate* layer) {
  if (!TfdgsuReadOptions(node, o, sizeof(*o))) return false;
  layer->beta = o->beta;
  layer->fresh_fraction = o->fresh_fraction;
  layer->size = o->size;
  const TfLiteEvalTensor* rates = TfdgsuInput(context, node, 3);
  if (TfdgsuRank(rates) != 2 || TfdgsuSize(rates, 1) != 2) return false;
  if (o->row < 0 || o->row >= TfdgsuSize(rates, 0)) return false;
  return TfdgsuRank(TfdgsuInput(context, node, 2)) == 4 && TfdgsuIsVector(TfdgsuOutput(context, node, 0), 1);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuLayerRateOptions o;
  TfdgsuLayerRate layer;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_LAYER_RATE_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &o, &layer) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuLayerRateOptions o;
  TfdgsuLayerRate layer;
  if (!Bind(context, node, &o, &layer)) return kTfLiteError;
  const TfLiteEvalTensor* velocity = TfdgsuInput(context, node, 2);
  float* state = TfdgsuFloats(TfdgsuInput(context, node, 3)) + 2 * (ptrdiff_t)o.row;
  TfdgsuFloats(TfdgsuOutput(context, node, 0))[0] =
      tfdgsu_layer_rate_f32(state, TfdgsuFloats(velocity), TfdgsuFloats(TfdgsuInput(context, node, 1))[0], &layer,
                            TfdgsuElements(velocity));
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(LayerRate)
