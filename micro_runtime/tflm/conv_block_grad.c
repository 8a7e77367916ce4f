// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "adapter.h"

// Positions of the inputs, those of a layer counted from its bias on.
enum {
  kLearningRate = 1,
  kDy,
  kProjectW,
  kProjectScales,
  kDepthwiseBits,
  kDepthwise,
  kConvBits = kDepthwise + 9,
  kConv,
  kStep = kConv + 9,
  kAddend,
  kBits,
  kOverlay,
  kOverlayChannels,
  kProjectOverlay,
  kProjectOverlayChannels,
  kDepthwiseRate,
  kConvRate
};
enum { kBias, kBiasScales, kBiasVelocity, kW, kScales, kXSel, kChannels, kVelocity, kRemainder };
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

// Options of a layer's filter update.
typedef struct {
  int32_t is_trained, layer_id, x_zero_point;
  float x_scale;
} FilterOptions;

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

// Are a layer's filter and scales there exactly when something reads them?
static bool HasFilter(const Args* args, int layer, bool is_read) {
  return (In(args, layer + kW) != NULL) == is_read && (In(args, layer + kScales) != NULL) == is_read;
}

// Sizes of the three convolutions; false when weights and scales do not fit together.
static bool BindSizes(Args* args) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  TfdgsuConvBlockGrad* b = &args->block;
  const TfLiteEvalTensor *dy = In(args, kDy), *project = In(args, kProjectW);
  const TfLiteEvalTensor *w = In(args, kDepthwise + kW), *conv = In(args, kConv + kW);
  if (TfdgsuRank(dy) != 4 || TfdgsuRank(project) != 4) return false;
  if ((w && TfdgsuRank(w) != 4) || (conv && TfdgsuRank(conv) != 4)) return false;
  const int32_t m = TfdgsuSize(project, 3);
  const TfdgsuWindow window = {TfdgsuSize(dy, 0),
                               o->in_h,
                               o->in_w,
                               m,
                               TfdgsuSize(dy, 1),
                               TfdgsuSize(dy, 2),
                               m,
                               w ? TfdgsuSize(w, 1) : 1,
                               w ? TfdgsuSize(w, 2) : 1,
                               o->stride_h,
                               o->stride_w,
                               o->pad_top,
                               o->pad_left};
  b->depthwise = window;
  b->in_c = conv ? TfdgsuSize(conv, 3) : 1;
  b->out_c = TfdgsuSize(dy, 3);
  b->reaches_conv = o->has_dx || o->trains_conv || In(args, kConv + kBias);
  b->tile_channels = o->tile_channels;
  if (!TfdgsuWindowIsValid(&window)) return false;
  if (o->tile_channels < 1 || o->tile_channels > kMaxTileChannels) return false;
  if (!HasFilter(args, kDepthwise, b->reaches_conv || o->trains_depthwise)) return false;
  if (!HasFilter(args, kConv, o->has_dx || o->trains_conv)) return false;
  if (w && !(TfdgsuSize(w, 0) == 1 && TfdgsuSize(w, 3) == m)) return false;
  if (w && !TfdgsuIsVector(In(args, kDepthwise + kScales), m)) return false;
  if (conv && !IsShape(conv, m, 1, 1, b->in_c)) return false;
  if (conv && !TfdgsuIsVector(In(args, kConv + kScales), m)) return false;
  return IsShape(project, b->out_c, 1, 1, m) &&
         TfdgsuIsVector(In(args, kProjectScales), b->out_c);
}

// The overlays of the filters, and whether the options tell of that of conv.
static bool BindOverlays(Args* args) {
  TfdgsuOverlayI8 overlay;
  const TfLiteEvalTensor* weights = In(args, kOverlay);
  if (args->options.has_overlay != (weights != NULL) || (weights && !args->options.has_dx)) {
    return false;
  }
  if (!TfdgsuBindOverlay(weights, In(args, kOverlayChannels), In(args, kConv + kW), &overlay)) {
    return false;
  }
  args->block.overlay_w = TfdgsuInt8s(weights);
  args->block.overlay_channels = overlay.channels;
  args->block.n_overlay = overlay.n_channels;
  return TfdgsuBindOverlay(In(args, kProjectOverlay), In(args, kProjectOverlayChannels),
                           In(args, kProjectW), &args->block.project_overlay);
}

static void BindWeights(Args* args) {
  TfdgsuConvBlockGrad* b = &args->block;
  b->project_w = TfdgsuInt8s(In(args, kProjectW));
  b->project_scales = TfdgsuFloats(In(args, kProjectScales));
  b->depthwise_w = TfdgsuInt8s(In(args, kDepthwise + kW));
  b->depthwise_scales = TfdgsuFloats(In(args, kDepthwise + kScales));
  b->conv_w = TfdgsuInt8s(In(args, kConv + kW));
  b->conv_scales = TfdgsuFloats(In(args, kConv + kScales));
}

// Masks, addend and dx; the gradients' elements must fit int32_t.
static bool BindEnds(Args* args) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  TfdgsuConvBlockGrad* b = &args->block;
  const TfdgsuWindow* s = &b->depthwise;
  const int32_t n_out = Elements(s, s->out_h, s->out_w, s->out_c);
  const int32_t n_in = Elements(s, s->in_h, s->in_w, s->in_c);
  const int32_t n_dx = Elements(s, s->in_h, s->in_w, b->in_c);
  if (n_out < 0 || n_in < 0 || n_dx < 0) return false;
  const TfLiteEvalTensor *addend = In(args, kAddend), *bits = In(args, kBits);
  if (o->has_dx) {
    const TfLiteEvalTensor* dx = TfdgsuOutput(args->context, args->node, 0);
    if (!IsShape(dx, s->batches, s->in_h, s->in_w, b->in_c)) return false;
  } else if (addend || bits) {
    return false;
  }
  if (In(args, kConvBits) && !b->reaches_conv) return false;
  return TfdgsuBindEpilogue(NULL, In(args, kDepthwiseBits), o->depthwise_mask_alpha, n_out,
                            &b->depthwise_end) &&
         TfdgsuBindEpilogue(NULL, In(args, kConvBits), o->conv_mask_alpha, n_in, &b->conv_end) &&
         TfdgsuBindEpilogue(addend, bits, o->mask_alpha, n_dx, &b->end);
}

// An update of n weights with a learning rate, or NULL, and a velocity, or NULL.
static bool BindSgd(const Args* args, const TfLiteEvalTensor* rate, const TfLiteEvalTensor* velocity,
                    float momentum, int32_t n, int32_t layer_id, TfdgsuIntegerSgd* sgd) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  const TfLiteEvalTensor* step = In(args, kStep);
  return rate && step && TfdgsuIsVector(rate, 1) &&
         TfdgsuBindSgd(rate, velocity, momentum, o->nesterov, n, &sgd->sgd) &&
         TfdgsuBindRounding(step, o->rounding, o->seed, layer_id, sgd);
}

static bool BindBias(const Args* args, int layer, int32_t layer_id, TfdgsuBiasUpdate* to) {
  const TfLiteEvalTensor* bias = In(args, layer + kBias);
  const TfLiteEvalTensor* scales = In(args, layer + kBiasScales);
  const TfLiteEvalTensor* velocity = In(args, layer + kBiasVelocity);
  const int32_t m = args->block.depthwise.out_c;
  if (!bias) return !scales && !velocity;
  to->bias = TfdgsuInts(bias);
  to->scales = TfdgsuFloats(scales);
  to->velocity = TfdgsuFloats(velocity);
  return scales && TfdgsuIsVector(bias, m) && TfdgsuIsVector(scales, m) &&
         BindSgd(args, In(args, kLearningRate), velocity, args->options.bias_momentum, m, layer_id, &to->sgd);
}

// The update of k of n_channels input channels, each of which has n_weights.
static bool BindFilter(const Args* args, int layer, const FilterOptions* o, int32_t n_channels,
                       int32_t n_weights, TfdgsuFilterUpdate* to) {
  const TfdgsuWindow* s = &args->block.depthwise;
  const TfLiteEvalTensor *x = In(args, layer + kXSel), *channels = In(args, layer + kChannels);
  const TfLiteEvalTensor* velocity = In(args, layer + kVelocity);
  const TfLiteEvalTensor* remainder = In(args, layer + kRemainder);
  const TfLiteEvalTensor* rate = In(args, layer == kConv ? kConvRate : kDepthwiseRate);
  if (o->is_trained != (x != NULL)) return false;
  if (!x) return !channels && !velocity && !remainder && !rate;
  if (TfdgsuRank(x) != 4) return false;
  to->is_present = 1;
  to->x = TfdgsuInt8s(x);
  to->x_real.scale = o->x_scale;
  to->x_real.zero_point = o->x_zero_point;
  to->channels = TfdgsuInts(channels);
  to->selected = TfdgsuSize(x, 3);
  to->velocity = TfdgsuFloats(velocity);
  to->remainder = TfdgsuInt8s(remainder);
  if (!IsShape(x, s->batches, s->in_h, s->in_w, to->selected)) return false;
  if (!TfdgsuChannelsFit(channels, to->selected, n_channels)) return false;
  if ((remainder != NULL) != (args->options.rounding == kTfdgsuRemainder)) return false;
  const bool is_overlaid = layer == kConv && In(args, kOverlay);
  const TfLiteEvalTensor* w = In(args, is_overlaid ? kOverlay : layer + kW);
  if (remainder && !TfdgsuSameShape(remainder, w)) return false;
  if (o->x_zero_point < -128 || o->x_zero_point > 127) return false;
  // The product fits: at most as many as the filter has elements.
  return BindSgd(args, rate ? rate : In(args, kLearningRate), velocity, args->options.momentum,
                 to->selected * n_weights, o->layer_id, &to->sgd);
}

static bool BindUpdates(Args* args) {
  const TfdgsuConvBlockGradOptions* o = &args->options;
  TfdgsuConvBlockGrad* b = &args->block;
  const FilterOptions conv = {o->trains_conv, o->conv_layer_id, o->conv_x_zero_point,
                              o->conv_x_scale};
  const FilterOptions depthwise = {o->trains_depthwise, o->depthwise_layer_id,
                                   o->depthwise_x_zero_point, o->depthwise_x_scale};
  const int32_t m = b->depthwise.in_c, taps = b->depthwise.filter_h * b->depthwise.filter_w;
  const int32_t n_channels = o->has_overlay ? b->n_overlay : b->in_c;
  return BindFilter(args, kConv, &conv, n_channels, m, &b->conv_filter) &&
         BindFilter(args, kDepthwise, &depthwise, m, taps, &b->depthwise_filter) &&
         BindBias(args, kConv, o->conv_layer_id, &b->conv_bias) &&
         BindBias(args, kDepthwise, o->depthwise_layer_id, &b->depthwise_bias);
}

static bool Bind(TfLiteContext* context, TfLiteNode* node, Args* args) {
  char operands[] = TFDGSU_CONV_BLOCK_GRAD_OPERANDS;
  memset(args, 0, sizeof(*args));
  args->context = context;
  args->node = node;
  if (!TfdgsuReadOptions(node, &args->options, sizeof(args->options))) return false;
  if (!args->options.has_dx) operands[strlen(operands) - 1] = '\0';
  if (!TfdgsuOperandsMatch(context, node, operands) || !BindSizes(args)) return false;
  if (!BindOverlays(args)) return false;
  BindWeights(args);
  return BindEnds(args) && BindUpdates(args);
}

static void* Init(TfLiteContext* context, const char* buffer, size_t length) {
  (void)buffer;
  (void)length;
  return context->AllocatePersistentBuffer(context, sizeof(OpData));
}

// The pointers of `block` may be NULL here: variables and activations have no place yet.
static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  Args args;
  OpData* data = (OpData*)node->user_data;
  if (!data || !Bind(context, node, &args)) return kTfLiteError;
  const int32_t bytes = tfdgsu_conv_block_grad_scratch_bytes(&args.block);
  if (bytes < 0) return kTfLiteError;
  return context->RequestScratchBufferInArena(context, (size_t)bytes, &data->scratch_idx);
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  if (!TfdgsuIsTraining(context, node)) return kTfLiteOk;
  Args args;
  if (!Bind(context, node, &args)) return kTfLiteError;
  const TfdgsuConvBlockGrad* b = &args.block;
  const int32_t n_channels = b->overlay_w ? b->n_overlay : b->in_c;
  if (!TfdgsuChannelsAscend(In(&args, kOverlayChannels), b->in_c) ||
      !TfdgsuChannelsAscend(In(&args, kProjectOverlayChannels), b->depthwise.in_c) ||
      !TfdgsuChannelsInRange(In(&args, kConv + kChannels), n_channels) ||
      !TfdgsuChannelsInRange(In(&args, kDepthwise + kChannels), b->depthwise.in_c)) {
    return kTfLiteError;
  }
  const int scratch_idx = ((const OpData*)node->user_data)->scratch_idx;
  float* dx = args.options.has_dx ? TfdgsuFloats(TfdgsuOutput(context, node, 0)) : NULL;
  tfdgsu_conv_block_grad_i8(dx, TfdgsuFloats(In(&args, kDy)),
                            context->GetScratchBuffer(context, scratch_idx), b);
  return kTfLiteOk;
}

const struct TFLMRegistration* TfdgsuRegistrationConvBlockGrad(void) {
  static const struct TFLMRegistration kRegistration = {Init, NULL, Prepare, Invoke,
                                                        NULL, 0,    NULL};
  return &kRegistration;
}
