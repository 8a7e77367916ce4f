// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "tfdgsu/trainer/c_api.h"

#include <new>

#include "tfdgsu/trainer/trainer.h"
#include "unwrap.h"

namespace {

static_assert(sizeof(tfdgsu::Trainer) <= sizeof(TfdgsuTrainer::memory), "enlarge TfdgsuTrainer");
static_assert(alignof(tfdgsu::Trainer) <= alignof(TfdgsuTrainer), "TfdgsuTrainer needs a stricter type");

TfdgsuStatus WhyNone(const TfdgsuTrainer* trainer) {
  return trainer ? kTfdgsuStatusNotInitialised : kTfdgsuStatusNullPointer;
}

}  // namespace

using tfdgsu::Unwrap;

TfdgsuStatus TfdgsuTrainerInit(TfdgsuTrainer* trainer, const void* bundle, size_t bundle_bytes,
                               const void* op_resolver, void* arena, size_t arena_bytes) {
  if (!trainer) return kTfdgsuStatusNullPointer;
  if (!trainer->is_constructed) {
    new (trainer->memory) tfdgsu::Trainer();
    trainer->is_constructed = 1;
  }
  const auto* resolver = static_cast<const tfdgsu::tflm::MicroOpResolver*>(op_resolver);
  return Unwrap(trainer)->Init(bundle, bundle_bytes, resolver, arena, arena_bytes);
}

const char* TfdgsuTrainerMissingOp(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->missing_op() : nullptr;
}

void TfdgsuTrainerDestroy(TfdgsuTrainer* trainer) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  if (!self) return;
  self->~Trainer();
  trainer->is_constructed = 0;
}

TfdgsuStatus TfdgsuTrainerTrainStep(TfdgsuTrainer* trainer, TfdgsuArray x, TfdgsuArray y,
                                    float learning_rate) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->TrainStep(x, y, learning_rate) : WhyNone(trainer);
}

TfdgsuStatus TfdgsuTrainerInfer(TfdgsuTrainer* trainer, TfdgsuArray x) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->Infer(x) : WhyNone(trainer);
}

TfdgsuStatus TfdgsuTrainerReset(TfdgsuTrainer* trainer) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->Reset() : WhyNone(trainer);
}

float TfdgsuTrainerLoss(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->loss() : 0.0f;
}

const float* TfdgsuTrainerOutput(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->output() : nullptr;
}

size_t TfdgsuTrainerOutputElements(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->output_elements() : 0;
}

size_t TfdgsuTrainerXElements(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->x_elements() : 0;
}

size_t TfdgsuTrainerYElements(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->y_elements() : 0;
}

size_t TfdgsuTrainerBatchSize(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->batch_size() : 0;
}

float TfdgsuTrainerXScale(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->x_scale() : 0.0f;
}

int32_t TfdgsuTrainerXZeroPoint(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->x_zero_point() : 0;
}

TfdgsuBundleHeader TfdgsuTrainerHeader(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->header() : TfdgsuBundleHeader{};
}

size_t TfdgsuTrainerVariableCount(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->n_variables() : 0;
}

TfdgsuStatus TfdgsuTrainerVariable(TfdgsuTrainer* trainer, size_t i, TfdgsuVariable* variable) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->GetVariable(i, variable) : WhyNone(trainer);
}

TfdgsuStatus TfdgsuTrainerVariableByName(TfdgsuTrainer* trainer, const char* name,
                                         TfdgsuVariable* variable) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->GetVariable(name, variable) : WhyNone(trainer);
}

size_t TfdgsuTrainerArenaUsedBytes(const TfdgsuTrainer* trainer) {
  const tfdgsu::Trainer* self = Unwrap(trainer);
  return self ? self->arena_used_bytes() : 0;
}
