// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "adapter.h"

#include <string.h>

// Sizes up to here leave the kernels' sums of a few sizes far from overflow.
enum { kMaxExtent = 1 << 24 };

static const TfLiteEvalTensor* TensorAt(TfLiteContext* context, const TfLiteIntArray* indices,
                                        int i) {
  if (!indices || i >= indices->size || indices->data[i] < 0) return NULL;
  return context->GetEvalTensor(context, indices->data[i]);
}

const TfLiteEvalTensor* TfdgsuInput(TfLiteContext* context, const TfLiteNode* node, int i) {
  return TensorAt(context, node->inputs, i);
}

const TfLiteEvalTensor* TfdgsuOutput(TfLiteContext* context, const TfLiteNode* node, int i) {
  return TensorAt(context, node->outputs, i);
}

int32_t TfdgsuProduct(const int32_t* sizes, int n) {
  int64_t product = 1;
  for (int i = 0; i < n; ++i) {
    if (sizes[i] <= 0) return -1;
    product *= sizes[i];
    if (product > INT32_MAX) return -1;
  }
  return (int32_t)product;
}

// Not by TfdgsuProduct: dims are int, which is another type than int32_t on arm-none-eabi.
int32_t TfdgsuElements(const TfLiteEvalTensor* tensor) {
  int64_t elements = 1;
  for (int i = 0; i < tensor->dims->size; ++i) {
    if (tensor->dims->data[i] <= 0) return -1;
    elements *= tensor->dims->data[i];
    if (elements > INT32_MAX) return -1;
  }
  return (int32_t)elements;
}

bool TfdgsuSameShape(const TfLiteEvalTensor* a, const TfLiteEvalTensor* b) {
  if (a->dims->size != b->dims->size) return false;
  for (int i = 0; i < a->dims->size; ++i) {
    if (a->dims->data[i] != b->dims->data[i]) return false;
  }
  return true;
}

bool TfdgsuIsVector(const TfLiteEvalTensor* tensor, int32_t n) {
  return TfdgsuRank(tensor) == 1 && TfdgsuSize(tensor, 0) == n;
}

static bool OperandMatches(const TfLiteEvalTensor* tensor, char code) {
  const bool may_be_absent = code >= 'A' && code <= 'Z';
  if (!tensor) return may_be_absent;
  if (may_be_absent) code = (char)(code - 'A' + 'a');
  const bool is_scalar = code == 't' || code == 'l';
  if (is_scalar && !TfdgsuIsVector(tensor, 1)) return false;
  if (TfdgsuElements(tensor) < 0) return false;
  switch (code) {
    case 'l':
    case 'f':
      return tensor->type == kTfLiteFloat32;
    case 't':
    case 'i':
      return tensor->type == kTfLiteInt32;
    case 'c':
      return tensor->type == kTfLiteInt8;
    case 'q':
      return tensor->type == kTfLiteFloat32 || tensor->type == kTfLiteInt8;
    default:
      return tensor->type == kTfLiteUInt8;
  }
}

// Do all tensors with a choice of types have the type of `first`, the first of them (NULL: none yet)?
static bool ChoiceMatches(const TfLiteEvalTensor* tensor, char code, const TfLiteEvalTensor** first) {
  if ((code != 'q' && code != 'Q') || !tensor) return true;
  if (!*first) *first = tensor;
  return tensor->type == (*first)->type;
}

bool TfdgsuOperandsMatch(TfLiteContext* context, const TfLiteNode* node, const char* operands) {
  const char* outputs = strchr(operands, '>') + 1;
  const int n_inputs = (int)(outputs - operands) - 1;
  const int n_outputs = (int)strlen(outputs);
  if ((node->inputs ? node->inputs->size : 0) != n_inputs) return false;
  if ((node->outputs ? node->outputs->size : 0) != n_outputs) return false;
  const TfLiteEvalTensor* choice = NULL;
  for (int i = 0; i < n_inputs; ++i) {
    const TfLiteEvalTensor* tensor = TfdgsuInput(context, node, i);
    if (!OperandMatches(tensor, operands[i])) return false;
    if (!ChoiceMatches(tensor, operands[i], &choice)) return false;
  }
  for (int i = 0; i < n_outputs; ++i) {
    const TfLiteEvalTensor* tensor = TfdgsuOutput(context, node, i);
    if (!OperandMatches(tensor, outputs[i])) return false;
    if (!ChoiceMatches(tensor, outputs[i], &choice)) return false;
  }
  return true;
}

bool TfdgsuIsTraining(TfLiteContext* context, const TfLiteNode* node) {
  return TfdgsuInts(TfdgsuInput(context, node, 0))[0] == 1;
}

bool TfdgsuReadOptions(const TfLiteNode* node, void* options, size_t bytes) {
  int32_t version;
  if (!node->custom_initial_data || node->custom_initial_data_size != (int)bytes) return false;
  // Copied, because options need not be aligned in the file. Both are little-endian.
  memcpy(options, node->custom_initial_data, bytes);
  memcpy(&version, options, sizeof(version));
  return version == kTfdgsuOptionsVersion;
}

static bool AxisIsValid(int32_t in, int32_t out, int32_t filter, int32_t stride, int32_t pad) {
  if (in > kMaxExtent || out > kMaxExtent || filter > kMaxExtent || stride > kMaxExtent) {
    return false;
  }
  if (in < 1 || out < 1 || filter < 1 || stride < 1 || pad < 0 || pad >= filter) return false;
  return (int64_t)(out - 1) * stride - pad < in;
}

bool TfdgsuWindowIsValid(const TfdgsuWindow* s) {
  return AxisIsValid(s->in_h, s->out_h, s->filter_h, s->stride_h, s->pad_top) &&
         AxisIsValid(s->in_w, s->out_w, s->filter_w, s->stride_w, s->pad_left);
}

// Sizes of image and result of a window whose filter, strides and padding are set.
static bool BindImages(const TfLiteEvalTensor* image, const TfLiteEvalTensor* result,
                       TfdgsuWindow* window) {
  if (TfdgsuRank(image) != 4 || TfdgsuRank(result) != 4) return false;
  window->batches = TfdgsuSize(image, 0);
  window->in_h = TfdgsuSize(image, 1);
  window->in_w = TfdgsuSize(image, 2);
  window->in_c = TfdgsuSize(image, 3);
  window->out_h = TfdgsuSize(result, 1);
  window->out_w = TfdgsuSize(result, 2);
  window->out_c = TfdgsuSize(result, 3);
  return TfdgsuSize(result, 0) == window->batches && TfdgsuWindowIsValid(window);
}

bool TfdgsuBindPool(const TfLiteEvalTensor* image, const TfLiteEvalTensor* pooled,
                    TfdgsuWindow* window) {
  return BindImages(image, pooled, window) && window->out_c == window->in_c;
}

bool TfdgsuBindConv(const TfLiteEvalTensor* image, const TfLiteEvalTensor* filter,
                    const TfLiteEvalTensor* result, TfdgsuWindow* window) {
  if (TfdgsuRank(filter) != 4) return false;
  window->filter_h = TfdgsuSize(filter, 1);
  window->filter_w = TfdgsuSize(filter, 2);
  return BindImages(image, result, window);
}

bool TfdgsuBindEpilogue(const TfLiteEvalTensor* addend, const TfLiteEvalTensor* bits,
                        float mask_alpha, int32_t n, TfdgsuEpilogue* epilogue) {
  epilogue->addend = TfdgsuFloats(addend);
  epilogue->bits = TfdgsuBytes(bits);
  epilogue->mask_alpha = mask_alpha;
  if (addend && TfdgsuElements(addend) != n) return false;
  return !bits || TfdgsuIsVector(bits, TfdgsuMaskBytes(n));
}

bool TfdgsuBindSgd(const TfLiteEvalTensor* learning_rate, const TfLiteEvalTensor* velocity,
                   float momentum, int32_t nesterov, int32_t n, TfdgsuSgd* sgd) {
  const float* rate = TfdgsuFloats(learning_rate);
  sgd->learning_rate = rate ? *rate : 0.0f;
  sgd->momentum = momentum;
  sgd->nesterov = nesterov;
  if (!(momentum >= 0.0f && momentum < 1.0f)) return false;
  return velocity ? TfdgsuElements(velocity) == n : momentum == 0.0f;
}

bool TfdgsuBindRounding(const TfLiteEvalTensor* step, int32_t rounding, uint32_t seed,
                        int32_t layer_id, TfdgsuIntegerSgd* update) {
  const int32_t* count = TfdgsuInts(step);
  update->rounding = rounding;
  update->seed = seed;
  update->layer_id = (uint32_t)layer_id;
  update->step = count ? (uint32_t)*count : 0;
  update->first_idx = 0;
  if (!TfdgsuIsVector(step, 1) || layer_id < 0) return false;
  return rounding >= kTfdgsuNearest && rounding <= kTfdgsuRemainder;
}

bool TfdgsuBindQuantization(float scale, int32_t zero_point, TfdgsuQuantization* quantization) {
  quantization->scale = scale;
  quantization->zero_point = zero_point;
  return zero_point >= -128 && zero_point <= 127;
}

bool TfdgsuRemainderFits(const TfLiteEvalTensor* remainder, const TfLiteEvalTensor* w,
                         int32_t rounding) {
  if ((remainder != NULL) != (rounding == kTfdgsuRemainder)) return false;
  return !remainder || TfdgsuSameShape(remainder, w);
}

bool TfdgsuChannelsFit(const TfLiteEvalTensor* channels, int32_t k, int32_t n) {
  return channels ? TfdgsuIsVector(channels, k) && k <= n : k == n;
}

bool TfdgsuChannelsInRange(const TfLiteEvalTensor* channels, int32_t n) {
  if (!channels) return true;
  for (int32_t i = 0; i < TfdgsuSize(channels, 0); ++i) {
    if (channels->data.i32[i] < 0 || channels->data.i32[i] >= n) return false;
  }
  return true;
}

bool TfdgsuChannelsAscend(const TfLiteEvalTensor* channels, int32_t n) {
  if (!TfdgsuChannelsInRange(channels, n)) return false;
  for (int32_t i = 1; channels && i < TfdgsuSize(channels, 0); ++i) {
    if (channels->data.i32[i] <= channels->data.i32[i - 1]) return false;
  }
  return true;
}

bool TfdgsuBindOverlay(const TfLiteEvalTensor* weights, const TfLiteEvalTensor* channels,
                       const TfLiteEvalTensor* w, TfdgsuOverlayI8* overlay) {
  overlay->w = TfdgsuInt8s(weights);
  overlay->channels = TfdgsuInts(channels);
  overlay->n_channels = 0;
  if (!weights || !channels) return !weights && !channels;
  if (!w || TfdgsuRank(w) != 4 || TfdgsuRank(weights) != 4) return false;
  for (int i = 0; i < 3; ++i) {
    if (TfdgsuSize(weights, i) != TfdgsuSize(w, i)) return false;
  }
  overlay->n_channels = TfdgsuSize(weights, 3);
  return TfdgsuChannelsFit(channels, overlay->n_channels, TfdgsuSize(w, 3));
}
