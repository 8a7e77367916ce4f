// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "adapter.h"

// Positions of the inputs. A bias is followed by its scales and its velocity.
enum {
  kLearningRate = 1,
  kDy,
  kProjectW,
  kProjectScales,
  kDepthwiseBits,
  kDepthwiseBias,
  kDepthwiseW = kDepthwiseBias + 3,
  kDepthwiseScales,
  kConvBits,
  kConvW,
  kConvScales,
  kXSel,
  kChannels,
  kConvVelocity,
  kRemainder,
  kConvBias,
  kStep = kConvBias + 3,
  kAddend,
  kBits
};
enum { kMaxTileChannels = 256 };

// What Prepare leaves for Invoke.
typedef struct {
  int scratch_idx;
} OpData;

typedef struct {
  TfLiteContext* context;
  TfLiteNode* node;
  TfdgsuConvBlockGradOptions options;
  TfdgsuConvBlockGrad block;
} Args;

static const TfLiteEvalTensor* In(const Args* args, int i) {
  return TfdgsuInput(args->context, args->node, i);
}

static bool IsShape(const TfLiteEvalTensor* tensor, int32_t a, int32_t b, int32_t c, int32_t d) {
  return TfdgsuRank(tensor) == 4 && TfdgsuSize(tensor, 0) == a && TfdgsuSize(tensor, 1) == b &&
         TfdgsuSize(tensor, 2) == c && TfdgsuSize(tensor, 3) == d;
}

// Elements of a gradient [B,h,w,c], or -1.
static int32_t Elements(const TfdgsuWindow* s, int32_t h, int32_t w, int32_t c) {
  const int32_t sizes[] = {s->batches, h, w, c};
  return TfdgsuProduct(sizes, 4);
}

// Sizes of the three convolutions; false when weights and scales do not fit together.
static bool BindSizes(Args* args) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  TfdgsuConvBlockGrad* b = &args->block;
  const TfLiteEvalTensor *dy = In(args, kDy), *w = In(args, kDepthwiseW), *conv = In(args, kConvW);
  if (TfdgsuRank(dy) != 4 || TfdgsuRank(w) != 4 || TfdgsuRank(conv) != 4) return false;
  const int32_t m = TfdgsuSize(w, 3);
  const TfdgsuWindow window = {
      TfdgsuSize(dy, 0), o->in_h,          o->in_w,       m, TfdgsuSize(dy, 1), TfdgsuSize(dy, 2), m,
      TfdgsuSize(w, 1),  TfdgsuSize(w, 2), o->stride_h,   o->stride_w,
      o->pad_top,        o->pad_left};
  b->depthwise = window;
  b->in_c = TfdgsuSize(conv, 3);
  b->out_c = TfdgsuSize(dy, 3);
  b->tile_channels = o->tile_channels;
  if (!TfdgsuWindowIsValid(&window) || TfdgsuSize(w, 0) != 1) return false;
  if (o->tile_channels < 1 || o->tile_channels > kMaxTileChannels) return false;
  return IsShape(In(args, kProjectW), b->out_c, 1, 1, m) && IsShape(conv, m, 1, 1, b->in_c) &&
         TfdgsuIsVector(In(args, kProjectScales), b->out_c) &&
         TfdgsuIsVector(In(args, kDepthwiseScales), m) && TfdgsuIsVector(In(args, kConvScales), m);
}

static void BindWeights(Args* args) {
  TfdgsuConvBlockGrad* b = &args->block;
  b->project_w = TfdgsuInt8s(In(args, kProjectW));
  b->project_scales = TfdgsuFloats(In(args, kProjectScales));
  b->depthwise_w = TfdgsuInt8s(In(args, kDepthwiseW));
  b->depthwise_scales = TfdgsuFloats(In(args, kDepthwiseScales));
  b->conv_w = TfdgsuInt8s(In(args, kConvW));
  b->conv_scales = TfdgsuFloats(In(args, kConvScales));
}

// Masks, addend and dx; the gradients' elements must fit int32_t.
static bool BindEnds(Args* args) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  TfdgsuConvBlockGrad* b = &args->block;
  const TfdgsuWindow* s = &b->depthwise;
  const int32_t wide = Elements(s, s->in_h, s->in_w, s->in_c);
  const int32_t n_dx = Elements(s, s->in_h, s->in_w, b->in_c);
  const int32_t wide_out = Elements(s, s->out_h, s->out_w, s->out_c);
  if (wide < 0 || wide_out < 0 || n_dx < 0) return false;
  const TfLiteEvalTensor *addend = In(args, kAddend), *bits = In(args, kBits);
  if (o->has_dx) {
    const TfLiteEvalTensor* dx = TfdgsuOutput(args->context, args->node, 0);
    if (!IsShape(dx, s->batches, s->in_h, s->in_w, b->in_c)) return false;
  } else if (addend || bits) {
    return false;
  }
  return TfdgsuBindEpilogue(NULL, In(args, kDepthwiseBits), o->depthwise_mask_alpha, wide_out,
                            &b->depthwise_end) &&
         TfdgsuBindEpilogue(NULL, In(args, kConvBits), o->conv_mask_alpha, wide, &b->conv_end) &&
         TfdgsuBindEpilogue(addend, bits, o->mask_alpha, n_dx, &b->end);
}

// An update of n weights whose velocity is input number `velocity`.
static bool BindSgd(const Args* args, int velocity, int32_t n, int32_t layer_id,
                    TfdgsuIntegerSgd* sgd) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  const TfLiteEvalTensor *rate = In(args, kLearningRate), *step = In(args, kStep);
  return rate && step &&
         TfdgsuBindSgd(rate, In(args, velocity), o->momentum, o->nesterov, n, &sgd->sgd) &&
         TfdgsuBindRounding(step, o->rounding, o->seed, layer_id, sgd);
}

static bool BindBias(const Args* args, int first, int32_t layer_id, TfdgsuBiasUpdate* to) {
  const TfLiteEvalTensor *bias = In(args, first), *scales = In(args, first + 1);
  const TfLiteEvalTensor* velocity = In(args, first + 2);
  const int32_t m = args->block.depthwise.out_c;
  if (!bias) return !scales && !velocity;
  to->bias = TfdgsuInts(bias);
  to->scales = TfdgsuFloats(scales);
  to->velocity = TfdgsuFloats(velocity);
  return scales && TfdgsuIsVector(bias, m) && TfdgsuIsVector(scales, m) &&
         BindSgd(args, first + 2, m, layer_id, &to->sgd);
}

static bool BindFilter(const Args* args, TfdgsuPointwiseUpdate* to) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  const TfdgsuWindow* s = &args->block.depthwise;
  const TfLiteEvalTensor *x = In(args, kXSel), *remainder = In(args, kRemainder);
  if ((x != NULL) != (o->trains_conv == 1)) return false;
  if (!x) return !In(args, kChannels) && !In(args, kConvVelocity) && !remainder;
  if (TfdgsuRank(x) != 4) return false;
  to->x = TfdgsuInt8s(x);
  to->x_real.scale = o->x_scale;
  to->x_real.zero_point = o->x_zero_point;
  to->channels = TfdgsuInts(In(args, kChannels));
  to->selected = TfdgsuSize(x, 3);
  to->velocity = TfdgsuFloats(In(args, kConvVelocity));
  to->remainder = TfdgsuInt8s(remainder);
  if (!IsShape(x, s->batches, s->in_h, s->in_w, to->selected)) return false;
  if (!TfdgsuChannelsFit(In(args, kChannels), to->selected, args->block.in_c)) return false;
  if ((remainder != NULL) != (o->rounding == kTfdgsuRemainder)) return false;
  if (remainder && !TfdgsuSameShape(remainder, In(args, kConvW))) return false;
  if (o->x_zero_point < -128 || o->x_zero_point > 127) return false;
  // The product fits: at most as many as conv_w has elements.
  return BindSgd(args, kConvVelocity, s->in_c * to->selected, o->layer_id, &to->sgd);
}

static bool Bind(TfLiteContext* context, TfLiteNode* node, Args* args) {
  char operands[] = TFDGSU_CONV_BLOCK_GRAD_OPERANDS;
  memset(args, 0, sizeof(*args));
  args->context = context;
  args->node = node;
  if (!TfdgsuReadOptions(node, &args->options, sizeof(args->options))) return false;
  const TfdgsuConvBlockGradOptions* o = &args->options;
  if (!o->has_dx) operands[strlen(operands) - 1] = '\0';
  if (!TfdgsuOperandsMatch(context, node, operands) || !BindSizes(args)) return false;
  BindWeights(args);
  return BindEnds(args) && BindFilter(args, &args->block.conv) &&
         BindBias(args, kConvBias, o->layer_id, &args->block.conv_bias) &&
         BindBias(args, kDepthwiseBias, o->depthwise_layer_id, &args->block.depthwise_bias);
}

static void* Init(TfLiteContext* context, const char* buffer, size_t length) {
  (void)buffer;
  (void)length;
  return context->AllocatePersistentBuffer(context, sizeof(OpData));
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  Args args;
  OpData* data = (OpData*)node->user_data;
  if (!data || !Bind(context, node, &args)) return kTfLiteError;
  const int32_t bytes =
      tfdgsu_conv_block_grad_scratch_bytes(&args.block.depthwise, args.block.tile_channels);
  if (bytes < 0) return kTfLiteError;
  return context->RequestScratchBufferInArena(context, (size_t)bytes, &data->scratch_idx);
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  Args args;
  if (!Bind(context, node, &args)) return kTfLiteError;
  if (!TfdgsuChannelsInRange(In(&args, kChannels), args.block.in_c)) return kTfLiteError;
  const int scratch_idx = ((const OpData*)node->user_data)->scratch_idx;
  float* scratch = (float*)context->GetScratchBuffer(context, scratch_idx);
  float* dx = args.options.has_dx ? TfdgsuFloats(TfdgsuOutput(context, node, 0)) : NULL;
  tfdgsu_conv_block_grad_i8(dx, TfdgsuFloats(In(&args, kDy)), scratch, &args.block);
  return kTfLiteOk;
}

const struct TFLMRegistration* TfdgsuRegistrationConvBlockGrad(void) {
  static const struct TFLMRegistration kRegistration = {Init, NULL, Prepare, Invoke,
                                                        NULL, 0,    NULL};
  return &kRegistration;
}
