// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

typedef struct {
  TfdgsuConv2DGradFilterInt8Options options;
  TfdgsuWindow window;
  TfdgsuIntegerSgd update;
  TfdgsuQuantization x;
} Args;

// Sizes of the convolution from its tensors and options; false when they do not fit together.
static bool BindWindow(TfLiteContext* context, TfLiteNode* node, const TfdgsuConv2DGradFilterInt8Options* o,
                       TfdgsuWindow* s) {
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 5);
  TFDGSU_SET_WINDOW(s, o);
  if (!TfdgsuBindConv(TfdgsuInput(context, node, 2), w, TfdgsuInput(context, node, 3), s)) return false;
  return TfdgsuSize(w, 0) == s->out_c &&
         TfdgsuChannelsFit(TfdgsuInput(context, node, 4), s->in_c, TfdgsuSize(w, 3));
}

static bool Bind(TfLiteContext* context, TfLiteNode* node, Args* args) {
  const TfdgsuConv2DGradFilterInt8Options* o = &args->options;
  if (!TfdgsuReadOptions(node, &args->options, sizeof(args->options))) return false;
  if (!BindWindow(context, node, o, &args->window)) return false;
  // Fits: the slice has at most as many elements as w.
  const int32_t slice = args->window.filter_h * args->window.filter_w * args->window.out_c * args->window.in_c;
  if (!TfdgsuBindSgd(TfdgsuInput(context, node, 1), TfdgsuInput(context, node, 7), o->momentum,
                     o->nesterov, slice, &args->update.sgd)) {
    return false;
  }
  return TfdgsuBindQuantization(o->x_scale, o->x_zero_point, &args->x) &&
         TfdgsuRemainderFits(TfdgsuInput(context, node, 8), TfdgsuInput(context, node, 5), o->rounding) &&
         TfdgsuIsVector(TfdgsuInput(context, node, 6), args->window.out_c) &&
         TfdgsuBindRounding(TfdgsuInput(context, node, 9), o->rounding, o->seed, o->layer_id,
                            &args->update);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  Args args;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_CONV_2D_GRAD_FILTER_INT8_OPERANDS)) {
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
  tfdgsu_conv_2d_grad_filter_i8(
      TfdgsuInt8s(TfdgsuInput(context, node, 5)), TfdgsuInt8s(TfdgsuInput(context, node, 8)),
      TfdgsuFloats(TfdgsuInput(context, node, 7)), TfdgsuFloats(TfdgsuInput(context, node, 6)),
      TfdgsuInt8s(TfdgsuInput(context, node, 2)), &args.x,
      TfdgsuFloats(TfdgsuInput(context, node, 3)), TfdgsuInts(channels), n_channels,
      &args.update, &args.window);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(Conv2DGradFilterInt8)
