// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

enum { kOverlayChannels = 7 };

// Sizes of the convolution from its tensors and options; false when they do not fit together.
static bool BindWindow(TfLiteContext* context, TfLiteNode* node, const TfdgsuConv2DGradInputInt8Options* o,
                       TfdgsuWindow* s) {
  const TfLiteEvalTensor* dy = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, 2);
  TFDGSU_SET_WINDOW(s, o);
  if (!TfdgsuBindConv(TfdgsuOutput(context, node, 0), w, dy, s)) return false;
  if (!TfdgsuIsVector(TfdgsuInput(context, node, 3), s->out_c)) return false;
  return TfdgsuSize(w, 0) == s->out_c && TfdgsuSize(w, 3) == s->in_c;
}

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuWindow* window,
                 TfdgsuEpilogue* epilogue, TfdgsuOverlayI8* overlay) {
  TfdgsuConv2DGradInputInt8Options o;
  return TfdgsuReadOptions(node, &o, sizeof(o)) && BindWindow(context, node, &o, window) &&
         TfdgsuBindEpilogue(TfdgsuInput(context, node, 4), TfdgsuInput(context, node, 5),
                            o.mask_alpha, TfdgsuElements(TfdgsuOutput(context, node, 0)),
                            epilogue) &&
         TfdgsuBindOverlay(TfdgsuInput(context, node, 6), TfdgsuInput(context, node, kOverlayChannels),
                           TfdgsuInput(context, node, 2), overlay);
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuWindow window;
  TfdgsuEpilogue epilogue;
  TfdgsuOverlayI8 overlay;
  if (!TfdgsuOperandsMatch(context, node, TFDGSU_CONV_2D_GRAD_INPUT_INT8_OPERANDS)) {
    return kTfLiteError;
  }
  return Bind(context, node, &window, &epilogue, &overlay) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  TfdgsuWindow window;
  TfdgsuEpilogue epilogue;
  TfdgsuOverlayI8 overlay;
  if (!Bind(context, node, &window, &epilogue, &overlay)) return kTfLiteError;
  if (!TfdgsuChannelsAscend(TfdgsuInput(context, node, kOverlayChannels), window.in_c)) {
    return kTfLiteError;
  }
  tfdgsu_conv_2d_grad_input_i8(TfdgsuFloats(TfdgsuOutput(context, node, 0)),
      TfdgsuFloats(TfdgsuInput(context, node, 1)),
      TfdgsuInt8s(TfdgsuInput(context, node, 2)),
      TfdgsuFloats(TfdgsuInput(context, node, 3)), &overlay, &epilogue, &window);
  return kTfLiteOk;
}

TFDGSU_REGISTRATION(Conv2DGradInputInt8)
