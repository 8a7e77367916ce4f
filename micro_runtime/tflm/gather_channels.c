// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

static bool ShapesMatch(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_GATHER_CHANNELS_OPERANDS)) return false;
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, 2);
  const TfLiteEvalTensor* x_sel = TfdgsuOutput(context, node, 0);
  const int32_t rank = TfdgsuRank(x);
  if (rank < 1 || TfdgsuRank(channels) != 1 || TfdgsuRank(x_sel) != rank) return false;
  for (int i = 0; i < rank - 1; ++i) {
    if (TfdgsuSize(x, i) != TfdgsuSize(x_sel, i)) return false;
  }
  const int32_t k = TfdgsuSize(channels, 0);
  const TfLiteEvalTensor* pool = TfdgsuInput(context, node, 3);
  if (pool && TfdgsuRank(pool) != 1) return false;
  const int32_t n = pool ? TfdgsuSize(pool, 0) : TfdgsuLastSize(x);
  return k <= n && n <= TfdgsuLastSize(x) && TfdgsuLastSize(x_sel) == k;
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuGatherChannelsOptions options;
  if (!TfdgsuReadOptions(node, &options, sizeof(options))) return kTfLiteError;
  return ShapesMatch(context, node) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, 2);
  const TfLiteEvalTensor* pool = TfdgsuInput(context, node, 3);
  const TfLiteEvalTensor* x_sel = TfdgsuOutput(context, node, 0);
  const int32_t c = TfdgsuLastSize(x), k = TfdgsuSize(channels, 0);
  const int32_t rows = TfdgsuElements(x) / c;
  if (!TfdgsuChannelsInRange(pool, c)) return kTfLiteError;
  if (!TfdgsuChannelsInRange(channels, pool ? TfdgsuSize(pool, 0) : c)) return kTfLiteError;
  if (TfdgsuIsInt8(x)) {
    tfdgsu_gather_channels_i8(TfdgsuInt8s(x_sel), TfdgsuInt8s(x), TfdgsuInts(channels),
                              TfdgsuInts(pool), rows, c, k);
  } else {
    tfdgsu_gather_channels_f32(TfdgsuFloats(x_sel), TfdgsuFloats(x), TfdgsuInts(channels),
                               TfdgsuInts(pool), rows, c, k);
  }
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(GatherChannels)
