// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The trainer for C. Each function is the member of tfdgsu::Trainer of that name; trainer.h says what
// it does and when it fails. A null trainer gives NullPointer, or 0 from functions without a status.
//
//   static TfdgsuTrainer trainer;
//   TfdgsuStatus status = TfdgsuTrainerInit(&trainer, model_tflite, model_tflite_bytes,
//                                           model_op_resolver(), arena, sizeof(arena));

#ifndef TFDGSU_TRAINER_C_API_H_
#define TFDGSU_TRAINER_C_API_H_

#include <stddef.h>
#include <stdint.h>

#include "tfdgsu/checkpoint.h"
#include "tfdgsu/trainer/array.h"
#include "tfdgsu/trainer/bundle_header.h"
#include "tfdgsu/trainer/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Room for a tfdgsu::Trainer. Zeroed before Init, as a static variable is, and never copied or moved.
typedef struct {
  uint64_t is_constructed;
  uint64_t memory[127];
} TfdgsuTrainer;

// op_resolver is a const MicroOpResolver*, such as a file of tfdgsu codegen returns.
TfdgsuStatus TfdgsuTrainerInit(TfdgsuTrainer* trainer, const void* bundle, size_t bundle_bytes,
                               const void* op_resolver, void* arena, size_t arena_bytes);

// NULL unless Init gave OpMissing.
const char* TfdgsuTrainerMissingOp(const TfdgsuTrainer* trainer);

// Ends the trainer; it may be initialised again.
void TfdgsuTrainerDestroy(TfdgsuTrainer* trainer);

TfdgsuStatus TfdgsuTrainerTrainStep(TfdgsuTrainer* trainer, TfdgsuArray x, TfdgsuArray y,
                                    float learning_rate);
TfdgsuStatus TfdgsuTrainerInfer(TfdgsuTrainer* trainer, TfdgsuArray x);
TfdgsuStatus TfdgsuTrainerReset(TfdgsuTrainer* trainer);
float TfdgsuTrainerLoss(const TfdgsuTrainer* trainer);

// NULL before any step.
const float* TfdgsuTrainerOutput(const TfdgsuTrainer* trainer);
size_t TfdgsuTrainerOutputElements(const TfdgsuTrainer* trainer);
size_t TfdgsuTrainerXElements(const TfdgsuTrainer* trainer);
size_t TfdgsuTrainerYElements(const TfdgsuTrainer* trainer);
size_t TfdgsuTrainerBatchSize(const TfdgsuTrainer* trainer);
float TfdgsuTrainerXScale(const TfdgsuTrainer* trainer);
int32_t TfdgsuTrainerXZeroPoint(const TfdgsuTrainer* trainer);

// All zero before Init.
TfdgsuBundleHeader TfdgsuTrainerHeader(const TfdgsuTrainer* trainer);

size_t TfdgsuTrainerVariableCount(const TfdgsuTrainer* trainer);
TfdgsuStatus TfdgsuTrainerVariable(TfdgsuTrainer* trainer, size_t i, TfdgsuVariable* variable);
TfdgsuStatus TfdgsuTrainerVariableByName(TfdgsuTrainer* trainer, const char* name,
                                         TfdgsuVariable* variable);
size_t TfdgsuTrainerArenaUsedBytes(const TfdgsuTrainer* trainer);

// As SaveCheckpoint<kTfdgsuTrainerMaxVariables> and so on of tfdgsu/trainer/checkpoint.h; a trainer that is null or not
// initialised, or has more variables, gives BadArgument.
enum { kTfdgsuTrainerMaxVariables = 256 };

TfdgsuCheckpointStatus TfdgsuTrainerSaveCheckpoint(TfdgsuTrainer* trainer,
                                                   const TfdgsuCheckpointStorage* storage);
TfdgsuCheckpointStatus TfdgsuTrainerRestoreCheckpoint(TfdgsuTrainer* trainer,
                                                      const TfdgsuCheckpointStorage* storage);
TfdgsuCheckpointStatus TfdgsuTrainerExportCheckpoint(TfdgsuTrainer* trainer, void* buffer,
                                                     size_t buffer_bytes, size_t* bytes);
TfdgsuCheckpointStatus TfdgsuTrainerImportCheckpoint(TfdgsuTrainer* trainer, const void* data, size_t bytes);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TFDGSU_TRAINER_C_API_H_
