// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "adapter.h"

enum { kConv = 2, kDepthwise = 6, kProject = 10, kOverlay = 14 };  // first input of each
enum { kMaxSummands = 1 << 16 };

// What Prepare leaves for Invoke: the index of the scratch buffer, -1 if none is needed.
typedef struct {
  int scratch_idx;
} OpData;

// Options of one stage's result.
typedef struct {
  int32_t zero_point, min, max, mask_low, mask_high;
} Result;

static bool IsInt8(int32_t value) { return value >= -128 && value <= 127; }

static bool RangeIsValid(int32_t zero_point, int32_t min, int32_t max) {
  return IsInt8(zero_point) && IsInt8(min) && IsInt8(max) && min <= max;
}

// Sizes of a result [B,Ho,Wo,O] must fit int32_t, and its sums 32 bits.
static bool SizesFit(const TfdgsuWindow* s, int32_t summed_channels, int32_t n_overlay) {
  const int32_t result[] = {s->batches, s->out_h, s->out_w, s->out_c};
  const int32_t taps[] = {s->filter_h, s->filter_w};
  if (TfdgsuProduct(result, 4) < 0 || TfdgsuProduct(taps, 2) < 0) return false;
  return (int64_t)TfdgsuProduct(taps, 2) * ((int64_t)summed_channels + n_overlay) <= kMaxSummands;
}

// Is the operand a vector of n, or, if it may be, absent?
static bool VectorFits(const TfLiteEvalTensor* tensor, int32_t n, bool may_be_absent) {
  return tensor ? TfdgsuIsVector(tensor, n) : may_be_absent;
}

// Fills a stage whose window has strides, padding and result sizes already from its four tensors
// and the image [batches,in_h,in_w,in_c] it reads.
static bool BindStage(TfLiteContext* context, TfLiteNode* node, int first,
                      const TfdgsuWindow* image, int32_t n_overlay, const Result* result,
                      TfdgsuStageI8* stage) {
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, first);
  const TfLiteEvalTensor* bias = TfdgsuInput(context, node, first + 1);
  const TfLiteEvalTensor* multiplier = TfdgsuInput(context, node, first + 2);
  const TfLiteEvalTensor* shift = TfdgsuInput(context, node, first + 3);
  TfdgsuWindow* s = &stage->window;
  if (TfdgsuRank(w) != 4 || TfdgsuSize(w, 3) != image->out_c) return false;
  if (first == kDepthwise && TfdgsuSize(w, 0) != 1) return false;
  s->batches = image->batches;
  s->in_h = image->out_h;
  s->in_w = image->out_w;
  s->in_c = image->out_c;
  s->filter_h = TfdgsuSize(w, 1);
  s->filter_w = TfdgsuSize(w, 2);
  s->out_c = first == kDepthwise ? s->in_c : TfdgsuSize(w, 0);
  stage->is_present = 1;
  stage->w = TfdgsuInt8s(w);
  stage->bias = TfdgsuInts(bias);
  stage->multiplier = TfdgsuInts(multiplier);
  stage->shift = TfdgsuInts(shift);
  stage->zero_point = result->zero_point;
  stage->min = result->min;
  stage->max = result->max;
  stage->mask_low = result->mask_low;
  stage->mask_high = result->mask_high;
  return VectorFits(bias, s->out_c, true) && VectorFits(multiplier, s->out_c, false) &&
         VectorFits(shift, s->out_c, false) && TfdgsuWindowIsValid(s) &&
         RangeIsValid(stage->zero_point, stage->min, stage->max) &&
         SizesFit(s, first == kDepthwise ? 1 : s->in_c, n_overlay);
}

// Without its filter a stage has no operands and no result.
static bool StageIsAbsent(TfLiteContext* context, TfLiteNode* node, int first, int32_t out_h) {
  for (int i = 0; i < 4; ++i) {
    if (TfdgsuInput(context, node, first + i)) return false;
  }
  return out_h == 0;
}

static bool BindOverlay(TfLiteContext* context, TfLiteNode* node, int32_t in_c,
                        TfdgsuOverlayI8* overlay) {
  const TfLiteEvalTensor* w = TfdgsuInput(context, node, kConv);
  const TfLiteEvalTensor* extra = TfdgsuInput(context, node, kOverlay);
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, kOverlay + 1);
  overlay->w = TfdgsuInt8s(extra);
  overlay->channels = TfdgsuInts(channels);
  overlay->n_channels = 0;
  if (!extra && !channels) return true;
  if (!extra || !channels || !w || TfdgsuRank(extra) != 4 || TfdgsuRank(w) != 4) return false;
  for (int i = 0; i < 3; ++i) {
    if (TfdgsuSize(extra, i) != TfdgsuSize(w, i)) return false;
  }
  overlay->n_channels = TfdgsuSize(extra, 3);
  return TfdgsuChannelsFit(channels, overlay->n_channels, in_c);
}

static bool BindStages(TfLiteContext* context, TfLiteNode* node, const TfdgsuConvBlockOptions* o,
                       TfdgsuConvBlock* b, TfdgsuWindow* image) {
  const Result conv = {o->conv_zero_point, o->conv_min, o->conv_max, o->conv_mask_low,
                       o->conv_mask_high};
  const Result depthwise = {o->depthwise_zero_point, o->depthwise_min, o->depthwise_max,
                            o->depthwise_mask_low, o->depthwise_mask_high};
  const Result project = {o->project_zero_point, o->project_min, o->project_max, 0, 0};
  int32_t zero_point = o->x_zero_point;
  if (TfdgsuInput(context, node, kConv)) {
    const TfdgsuWindow s = {0, 0, 0, 0, o->conv_out_h, o->conv_out_w, 0, 0, 0,
                            o->conv_stride_h, o->conv_stride_w, o->conv_pad_top,
                            o->conv_pad_left};
    b->conv.window = s;
    b->conv.x_zero_point = zero_point;
    if (!BindStage(context, node, kConv, image, b->overlay.n_channels, &conv, &b->conv)) {
      return false;
    }
    *image = b->conv.window;
    zero_point = b->conv.zero_point;
  } else if (!StageIsAbsent(context, node, kConv, o->conv_out_h)) {
    return false;
  }
  if (TfdgsuInput(context, node, kDepthwise)) {
    const TfdgsuWindow s = {0, 0, 0, 0, o->depthwise_out_h, o->depthwise_out_w, 0, 0, 0,
                            o->depthwise_stride_h, o->depthwise_stride_w, o->depthwise_pad_top,
                            o->depthwise_pad_left};
    b->depthwise.window = s;
    b->depthwise.x_zero_point = zero_point;
    if (!BindStage(context, node, kDepthwise, image, 0, &depthwise, &b->depthwise)) return false;
    *image = b->depthwise.window;
    zero_point = b->depthwise.zero_point;
  } else if (!StageIsAbsent(context, node, kDepthwise, o->depthwise_out_h)) {
    return false;
  }
  if (TfdgsuInput(context, node, kProject)) {
    const TfdgsuWindow s = {0, 0, 0, 0, image->out_h, image->out_w, 0, 0, 0, 1, 1, 0, 0};
    b->project.window = s;
    b->project.x_zero_point = zero_point;
    if (!BindStage(context, node, kProject, image, 0, &project, &b->project)) return false;
    if (b->project.window.filter_h != 1 || b->project.window.filter_w != 1) return false;
    *image = b->project.window;
  } else if (!StageIsAbsent(context, node, kProject, 0)) {
    return false;
  }
  return b->conv.is_present || b->depthwise.is_present || b->project.is_present;
}

static bool AddScaleIsValid(int32_t multiplier, int32_t shift) {
  return multiplier >= 0 && shift >= -31 && shift <= 0;
}

// `last` is the stage in front of the sum.
static bool BindAdd(const TfdgsuConvBlockOptions* o, int32_t y_zero_point, TfdgsuAddI8* add) {
  const TfdgsuAddI8 a = {o->add_x_multiplier, o->add_x_shift,    o->add_y_multiplier,
                         o->add_y_shift,      o->add_multiplier, o->add_shift,
                         o->x_zero_point,     y_zero_point,      o->add_zero_point,
                         o->add_min,          o->add_max};
  *add = a;
  return AddScaleIsValid(a.x_multiplier, a.x_shift) && AddScaleIsValid(a.y_multiplier, a.y_shift) &&
         AddScaleIsValid(a.multiplier, a.shift) && RangeIsValid(a.zero_point, a.min, a.max);
}

// A kept mask must have a stage and the size of its result.
static bool MaskFits(const TfLiteEvalTensor* bits, const TfdgsuStageI8* stage) {
  if (!stage->is_present) return false;
  const TfdgsuWindow* s = &stage->window;
  const int32_t sizes[] = {s->batches, s->out_h, s->out_w, s->out_c};
  return TfdgsuIsVector(bits, TfdgsuMaskBytes(TfdgsuProduct(sizes, 4)));
}

static bool MasksFit(TfLiteContext* context, TfLiteNode* node, const TfdgsuConvBlockOptions* o,
                     const TfdgsuConvBlock* b) {
  int i = 1;
  if (o->keeps_conv_mask && !MaskFits(TfdgsuOutput(context, node, i++), &b->conv)) return false;
  if (!o->keeps_depthwise_mask) return true;
  return MaskFits(TfdgsuOutput(context, node, i), &b->depthwise);
}

static bool Bind(TfLiteContext* context, TfLiteNode* node, TfdgsuConvBlockOptions* o,
                 TfdgsuConvBlock* b) {
  memset(b, 0, sizeof(*b));
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* y = TfdgsuOutput(context, node, 0);
  if (TfdgsuRank(x) != 4 || TfdgsuRank(y) != 4 || !IsInt8(o->x_zero_point)) return false;
  TfdgsuWindow last = {TfdgsuSize(x, 0), 0, 0, 0, TfdgsuSize(x, 1), TfdgsuSize(x, 2),
                       TfdgsuSize(x, 3), 0, 0, 0, 0,                0,
                       0};
  if (!BindOverlay(context, node, last.out_c, &b->overlay)) return false;
  if (!BindStages(context, node, o, b, &last)) return false;
  if (TfdgsuSize(y, 0) != last.batches || TfdgsuSize(y, 1) != last.out_h ||
      TfdgsuSize(y, 2) != last.out_w || TfdgsuSize(y, 3) != last.out_c) {
    return false;
  }
  b->has_add = o->has_add != 0;
  if (b->has_add) {
    const int32_t zero_point = b->project.is_present     ? o->project_zero_point
                               : b->depthwise.is_present ? o->depthwise_zero_point
                                                         : o->conv_zero_point;
    if (!TfdgsuSameShape(x, y) || !BindAdd(o, zero_point, &b->add)) return false;
  }
  return MasksFit(context, node, o, b);
}

static bool ReadOptions(TfLiteContext* context, TfLiteNode* node, TfdgsuConvBlockOptions* o) {
  static const char* const kOperands[] = {
      TFDGSU_CONV_BLOCK_OPERANDS, TFDGSU_CONV_BLOCK_OPERANDS "b", TFDGSU_CONV_BLOCK_OPERANDS "bb"};
  if (!TfdgsuReadOptions(node, o, sizeof(*o))) return false;
  const int n_masks = (o->keeps_conv_mask != 0) + (o->keeps_depthwise_mask != 0);
  return TfdgsuOperandsMatch(context, node, kOperands[n_masks]);
}

static void* Init(TfLiteContext* context, const char* buffer, size_t length) {
  (void)buffer;
  (void)length;
  return context->AllocatePersistentBuffer(context, sizeof(OpData));
}

static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuConvBlockOptions o;
  TfdgsuConvBlock block;
  OpData* data = (OpData*)node->user_data;
  if (!data || !ReadOptions(context, node, &o) || !Bind(context, node, &o, &block)) {
    return kTfLiteError;
  }
  const int32_t bytes = tfdgsu_conv_block_scratch_bytes(&block);
  data->scratch_idx = -1;
  if (bytes < 0) return kTfLiteError;
  if (bytes == 0) return kTfLiteOk;
  return context->RequestScratchBufferInArena(context, (size_t)bytes, &data->scratch_idx);
}

// On data, so in Invoke only.
static bool ScalingIsValid(const TfdgsuStageI8* stage) {
  for (int32_t o = 0; stage->is_present && o < stage->window.out_c; ++o) {
    if (stage->multiplier[o] < 0 || stage->shift[o] < -31 || stage->shift[o] > 30) return false;
  }
  return true;
}

static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
  TfdgsuConvBlockOptions o;
  TfdgsuConvBlock block;
  if (!TfdgsuReadOptions(node, &o, sizeof(o)) || !Bind(context, node, &o, &block)) {
    return kTfLiteError;
  }
  const TfLiteEvalTensor* x = TfdgsuInput(context, node, 1);
  const TfLiteEvalTensor* channels = TfdgsuInput(context, node, kOverlay + 1);
  if (!ScalingIsValid(&block.conv) || !ScalingIsValid(&block.depthwise) ||
      !ScalingIsValid(&block.project) || !TfdgsuChannelsInRange(channels, TfdgsuSize(x, 3))) {
    return kTfLiteError;
  }
  uint8_t* masks[2] = {NULL, NULL};
  if (TfdgsuIsTraining(context, node)) {
    int i = 1;
    if (o.keeps_conv_mask) masks[0] = TfdgsuBytes(TfdgsuOutput(context, node, i++));
    if (o.keeps_depthwise_mask) masks[1] = TfdgsuBytes(TfdgsuOutput(context, node, i));
  }
  const int scratch_idx = ((const OpData*)node->user_data)->scratch_idx;
  void* scratch = scratch_idx < 0 ? NULL : context->GetScratchBuffer(context, scratch_idx);
  tfdgsu_conv_block_i8(TfdgsuInt8s(TfdgsuOutput(context, node, 0)), masks[0], masks[1],
                       TfdgsuInt8s(x), scratch, &block);
  return kTfLiteOk;
}

const struct TFLMRegistration* TfdgsuRegistrationConvBlock(void) {
  static const struct TFLMRegistration kRegistration = {Init, NULL, Prepare, Invoke,
                                                        NULL, 0,    NULL};
  return &kRegistration;
}
