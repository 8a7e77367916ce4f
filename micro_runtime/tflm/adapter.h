// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What the adapters share: reading operands and options, and the checks that keep a kernel inside
// its arrays. Nothing is printed: a check that fails makes TFLM return kTfLiteError.
//
// Adapters keep no state. Each has one Bind function that reads and checks everything a kernel
// needs; Prepare runs it to refuse a bad op, Invoke to get the arguments.

#ifndef TFDGSU_TFLM_ADAPTER_H_
#define TFDGSU_TFLM_ADAPTER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "register.h"
#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/micro_common.h"
#include "tfdgsu/kernels.h"
#include "tfdgsu/options.h"

#ifdef __cplusplus
extern "C" {
#endif

// Tensor of operand i, or NULL when it is absent.
const TfLiteEvalTensor* TfdgsuInput(TfLiteContext* context, const TfLiteNode* node, int i);
const TfLiteEvalTensor* TfdgsuOutput(TfLiteContext* context, const TfLiteNode* node, int i);

// Counts, types and static shapes of all operands against a string of options.h.
bool TfdgsuOperandsMatch(TfLiteContext* context, const TfLiteNode* node, const char* operands);

// Is input 0, `train`, 1?
bool TfdgsuIsTraining(TfLiteContext* context, const TfLiteNode* node);

// Copies the op's options into `options`. False if their size or version is not ours.
bool TfdgsuReadOptions(const TfLiteNode* node, void* options, size_t bytes);

// Elements of a tensor; -1 when they overflow int32_t or a size is not positive.
int32_t TfdgsuElements(const TfLiteEvalTensor* tensor);

// Product of sizes, likewise.
int32_t TfdgsuProduct(const int32_t* sizes, int n);

// Do both tensors have the same shape?
bool TfdgsuSameShape(const TfLiteEvalTensor* a, const TfLiteEvalTensor* b);

// Is the tensor a vector of n elements?
bool TfdgsuIsVector(const TfLiteEvalTensor* tensor, int32_t n);

// Does every window touch the image, with room for the kernels' index arithmetic?
bool TfdgsuWindowIsValid(const TfdgsuWindow* window);

// Completes a pooling window, in which filter, strides and padding are set, with the sizes of the
// image [B,H,W,C] and of what it is pooled to [B,Ho,Wo,C]; false when they do not fit together.
bool TfdgsuBindPool(const TfLiteEvalTensor* image, const TfLiteEvalTensor* pooled,
                    TfdgsuWindow* window);

// Completes the window of a convolution, in which strides and padding are set, with the sizes of the
// image [B,H,W,C], the filter [.,kh,kw,.] and the result [B,Ho,Wo,O]; false when they do not fit
// together. Channels are the caller's to check against the filter.
bool TfdgsuBindConv(const TfLiteEvalTensor* image, const TfLiteEvalTensor* filter,
                    const TfLiteEvalTensor* result, TfdgsuWindow* window);

// Strides and padding of any op's options.
#define TFDGSU_SET_WINDOW(window, options)      \
  ((window)->stride_h = (options)->stride_h,    \
   (window)->stride_w = (options)->stride_w,    \
   (window)->pad_top = (options)->pad_top, (window)->pad_left = (options)->pad_left)

// Fills an epilogue; false unless addend and bits (NULL when absent) fit n elements.
bool TfdgsuBindEpilogue(const TfLiteEvalTensor* addend, const TfLiteEvalTensor* bits,
                        float mask_alpha, int32_t n, TfdgsuEpilogue* epilogue);

// Fills SGD settings; false unless velocity (NULL when absent) has n elements exactly when there
// is momentum. `learning_rate` may have no data yet, in Prepare.
bool TfdgsuBindSgd(const TfLiteEvalTensor* learning_rate, const TfLiteEvalTensor* velocity,
                   float momentum, int32_t nesterov, int32_t n, TfdgsuSgd* sgd);

// Fills the rounding of an integer update; false when it is none of ours. `step` may have no data yet.
bool TfdgsuBindRounding(const TfLiteEvalTensor* step, int32_t rounding, uint32_t seed,
                        int32_t layer_id, TfdgsuIntegerSgd* update);

// Fills what an int8 input's numbers mean; false unless the zero point is one of int8.
bool TfdgsuBindQuantization(float scale, int32_t zero_point, TfdgsuQuantization* quantization);

// Is there a remainder, as large as w, exactly when `rounding` keeps one?
bool TfdgsuRemainderFits(const TfLiteEvalTensor* remainder, const TfLiteEvalTensor* w,
                         int32_t rounding);

// Is `channels` (NULL: all) a vector of k <= n?
bool TfdgsuChannelsFit(const TfLiteEvalTensor* channels, int32_t k, int32_t n);

// Is every index of `channels` (NULL: all) in [0, n)? On data, so in Invoke only.
bool TfdgsuChannelsInRange(const TfLiteEvalTensor* channels, int32_t n);

// The same, and is each larger than the one before?
bool TfdgsuChannelsAscend(const TfLiteEvalTensor* channels, int32_t n);

// Fills the overlay of a filter w, of no channels when both tensors are NULL; false unless they fit.
bool TfdgsuBindOverlay(const TfLiteEvalTensor* weights, const TfLiteEvalTensor* channels,
                       const TfLiteEvalTensor* w, TfdgsuOverlayI8* overlay);

static inline int32_t TfdgsuRank(const TfLiteEvalTensor* tensor) {
  return (int32_t)tensor->dims->size;
}
static inline int32_t TfdgsuSize(const TfLiteEvalTensor* tensor, int axis) {
  return (int32_t)tensor->dims->data[axis];
}
// Size of the last axis of a tensor of rank 1 or more.
static inline int32_t TfdgsuLastSize(const TfLiteEvalTensor* tensor) {
  return TfdgsuSize(tensor, tensor->dims->size - 1);
}
// How often the last axis repeats: the product of all others.
static inline int32_t TfdgsuRows(const TfLiteEvalTensor* tensor) {
  return TfdgsuElements(tensor) / TfdgsuLastSize(tensor);
}
static inline float* TfdgsuFloats(const TfLiteEvalTensor* tensor) {
  return tensor ? tensor->data.f : NULL;
}
static inline int32_t* TfdgsuInts(const TfLiteEvalTensor* tensor) {
  return tensor ? tensor->data.i32 : NULL;
}
static inline uint8_t* TfdgsuBytes(const TfLiteEvalTensor* tensor) {
  return tensor ? tensor->data.uint8 : NULL;
}
static inline int8_t* TfdgsuInt8s(const TfLiteEvalTensor* tensor) {
  return tensor ? tensor->data.int8 : NULL;
}
// Of an operand that may be float32 or int8.
static inline bool TfdgsuIsInt8(const TfLiteEvalTensor* tensor) {
  return tensor->type == kTfLiteInt8;
}
static inline int32_t TfdgsuMaskBytes(int32_t n) { return (n - 1) / 8 + 1; }

// Defines the registration of a stateless op.
#define TFDGSU_REGISTRATION(name)                                                                \
  const struct TFLMRegistration* TfdgsuRegistration##name(void) {                                \
    static const struct TFLMRegistration kRegistration = {NULL,   NULL, Prepare, Invoke,         \
                                                          NULL,   0,    NULL};                   \
    return &kRegistration;                                                                       \
  }

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TFDGSU_TFLM_ADAPTER_H_
