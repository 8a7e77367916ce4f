// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

typedef struct {
  int32_t in[4], begin[4], size[4];
} Box;

static bool Bind(TfLiteContext* context, TfLiteNode* node, Box* box) {
  TfdgsuSliceOptions o;
  if (!TfdgsuReadOptions(node, &o, sizeof(o))) return false;
  const Box read = {{o.in_0, o.in_1, o.in_2, o.in_3},
                    {o.begin_0, o.begin_1, o.begin_2, o.begin_3},
                    {o.size_0, o.size_1, o.size_2, o.size_3}};
  *box = read;
  for (int i = 0; i < 4; ++i) {
    if (box->begin[i] < 0 || box->size[i] < 1 || box->in[i] < box->size[i]) return false;
    if (box->begin[i] > box->in[i] - box->size[i]) return false;
  }
  return TfdgsuProduct(box->in, 4) == TfdgsuElements(TfdgsuInput(context, node, 1)) &&
         TfdgsuProduct(box->size, 4) == TfdgsuElements(TfdgsuOutput(context, node, 0));
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  Box box;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_SLICE_OPERANDS)) return kTfLiteError;
  return Bind(context, node, &box) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  Box box;
  if (!Bind(context, node, &box)) return kTfLiteError;
  tfdgsu_slice_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)),
                   TfdgsuFloats(TfdgsuInput(context, node, 1)), box.in, box.begin, box.size);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(Slice)
