// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Checkpoints of the C API. In a file of its own, so that firmware without checkpoints links none.
#include "tfdgsu/trainer/c_api.h"
#include "tfdgsu/trainer/checkpoint.h"
#include "unwrap.h"

using tfdgsu::Unwrap;

TfdgsuCheckpointStatus TfdgsuTrainerSaveCheckpoint(TfdgsuTrainer* trainer,
                                                   const TfdgsuCheckpointStorage* storage) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  if (!self || !storage) return kTfdgsuCheckpointBadArgument;
  return tfdgsu::SaveCheckpoint<kTfdgsuTrainerMaxVariables>(self, *storage);
}

TfdgsuCheckpointStatus TfdgsuTrainerRestoreCheckpoint(TfdgsuTrainer* trainer,
                                                      const TfdgsuCheckpointStorage* storage) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  if (!self || !storage) return kTfdgsuCheckpointBadArgument;
  return tfdgsu::RestoreCheckpoint<kTfdgsuTrainerMaxVariables>(self, *storage);
}

TfdgsuCheckpointStatus TfdgsuTrainerExportCheckpoint(TfdgsuTrainer* trainer, void* buffer,
                                                     size_t buffer_bytes, size_t* bytes) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  if (!self) return kTfdgsuCheckpointBadArgument;
  return tfdgsu::ExportCheckpoint<kTfdgsuTrainerMaxVariables>(self, buffer, buffer_bytes, bytes);
}

TfdgsuCheckpointStatus TfdgsuTrainerImportCheckpoint(TfdgsuTrainer* trainer, const void* data, size_t bytes) {
  tfdgsu::Trainer* self = Unwrap(trainer);
  if (!self) return kTfdgsuCheckpointBadArgument;
  return tfdgsu::ImportCheckpoint<kTfdgsuTrainerMaxVariables>(self, data, bytes);
}
