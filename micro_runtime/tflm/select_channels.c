// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "adapter.h"

// A draw walks through all channels: as many as a number from a damaged file says would take minutes.
enum { kMaxChannels = 1 << 24 };

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuSelectChannelsOptions o;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_SELECT_CHANNELS_OPERANDS)) return kTfLiteError;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  if (o.policy != kTfdgsuCyclic && o.policy != kTfdgsuRandom) return kTfLiteError;
  if (o.period_steps < 1 || o.layer_id < 0 || o.n_channels > kMaxChannels) return kTfLiteError;
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, 2);
  if (!TfdgsuIsVector(TfdgsuInput(context, node, 1), 1)) return kTfLiteError;
  if (TfdgsuRank(channels) != 1 || TfdgsuSize(channels, 0) > o.n_channels) return kTfLiteError;
  return kTfLiteOk;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuSelectChannelsOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return kTfLiteError;
  const int32_t step = TfdgsuInts(TfdgsuInput(context, node, 1))[0];
  if (step < 0) return kTfLiteError;
  if (step % o.period_steps != 0) return kTfLiteOk;
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, 2);
  const TfLiteEvalTensor* velocity = TfdgsuInput(context, node, 3);
  tfdgsu_select_channels_i32(TfdgsuInts(channels), o.policy, o.seed, (uint32_t)o.layer_id,
                             (uint32_t)(step / o.period_steps), TfdgsuSize(channels, 0),
                             o.n_channels);
  if (velocity) {
    // Velocity belongs to the channels it was gathered on.
    memset(velocity->data.data, 0, (size_t)TfdgsuElements(velocity) * sizeof(float));
  }
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(SelectChannels)
