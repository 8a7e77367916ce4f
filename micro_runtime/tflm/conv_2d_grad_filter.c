// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

typedef struct {
  TfdgsuConv2DGradFilterOptions options;
  TfdgsuWindow window;
  TfdgsuSgd sgd;
} Args;

// Sizes of the convolution from its tensors and options; false when they do not fit together.
static bool BindWindow(TfLiteContext* context, TfLiteNode* node, const TfdgsuConv2DGradFilterOptions* o,
                       TfdgsuWindow* s) {
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 5);
  TFDGSU_SET_WINDOW(s, o);
  if (!TfdgsuBindConv(TfdgsuInput(context, node, 2), w, TfdgsuInput(context, node, 3), s)) return false;
  return TfdgsuSize(w, 0) == s->out_c &&
         TfdgsuChannelsFit(TfdgsuInput(context, node, 4), s->in_c, TfdgsuSize(w, 3));
}

static bool Bind(TfLiteContext* context, TfLiteNode* node, Args* args) {
  const TfdgsuConv2DGradFilterOptions* o = &args->options;
  if (!TfdgsuReadOptions(node, &args->options, sizeof(args->options))) return false;
  if (!BindWindow(context, node, o, &args->window)) return false;
  // Fits: the slice has at most as many elements as w.
  const int32_t slice = args->window.filter_h * args->window.filter_w * args->window.out_c * args->window.in_c;
  return TfdgsuBindSgd(TfdgsuInput(context, node, 1), TfdgsuInput(context, node, 6), o->momentum,
                       o->nesterov, slice, &args->sgd);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  Args args;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_CONV_2D_GRAD_FILTER_OPERANDS)) {
    return kTfLiteError;
  }
  return Bind(context, node, &args) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  Args args;
  if (!Bind(context, node, &args)) return kTfLiteError;
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, 4);
  const int32_t n_channels = TfdgsuSize(TfdgsuInput(context, node, 5), 3);
  if (!TfdgsuChannelsInRange(channels, n_channels)) return kTfLiteError;
  tfdgsu_conv_2d_grad_filter_f32(TfdgsuFloats(TfdgsuInput(context, node, 5)),
      TfdgsuFloats(TfdgsuInput(context, node, 6)),
      TfdgsuFloats(TfdgsuInput(context, node, 2)),
      TfdgsuFloats(TfdgsuInput(context, node, 3)), TfdgsuInts(channels), n_channels,
      &args.sgd, &args.window);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(Conv2DGradFilter)
