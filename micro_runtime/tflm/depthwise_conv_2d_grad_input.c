// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

// Sizes of the convolution from its tensors and options; false when they do not fit together.
static bool BindWindow(TfLiteContext* context, TfLiteNode* node, const TfdgsuDepthwiseConv2DGradInputOptions* o,
                       TfdgsuWindow* s) {
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 2);
  TFDGSU_SET_WINDOW(s, o);
  if (!TfdgsuBindConv(TfdgsuOutput(context, node, 0), w, dy, s)) return false;
  return TfdgsuSize(w, 0) == 1 && TfdgsuSize(w, 3) == s->out_c && s->out_c % s->in_c == 0;
}

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuWindow* window,
                 TfdgsuEpilogue* epilogue) {
  TfdgsuDepthwiseConv2DGradInputOptions o;
  return TfdgsuReadOptions(node, &o, sizeof(o)) && BindWindow(context, node, &o, window) &&
         TfdgsuBindEpilogue(TfdgsuInput(context, node, 3), TfdgsuInput(context, node, 4),
                            o.mask_alpha, TfdgsuElements(TfdgsuOutput(context, node, 0)),
                            epilogue);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuWindow window;
  TfdgsuEpilogue epilogue;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_DEPTHWISE_CONV_2D_GRAD_INPUT_OPERANDS)) {
    return kTfLiteError;
  }
  return Bind(context, node, &window, &epilogue) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuWindow window;
  TfdgsuEpilogue epilogue;
  if (!Bind(context, node, &window, &epilogue)) return kTfLiteError;
  tfdgsu_depthwise_conv_2d_grad_input_f32(TfdgsuFloats(TfdgsuOutput(context, node, 0)),
      TfdgsuFloats(TfdgsuInput(context, node, 1)),
      TfdgsuFloats(TfdgsuInput(context, node, 2)), &epilogue, &window);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(DepthwiseConv2DGradInput)
