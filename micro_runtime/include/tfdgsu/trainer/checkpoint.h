// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Saves the variables of a trainer in flash and brings them back, by tfdgsu/checkpoint.h. In a header
// of its own, so that firmware without checkpoints links none.

#ifndef TFDGSU_TRAINER_CHECKPOINT_H_
#define TFDGSU_TRAINER_CHECKPOINT_H_

#include <stddef.h>
#include <stdint.h>

#include "tfdgsu/checkpoint.h"
#include "tfdgsu/trainer/trainer.h"

namespace tfdgsu {
namespace internal {

using CheckpointCall = TfdgsuCheckpointStatus (*)(const TfdgsuCheckpointStorage*, const TfdgsuBundleId*,
                                                  const TfdgsuCheckpointSegment*, uint32_t);

// Looks the variables up anew for each call: after a Reset this loads the factory values first, which
// the next step would otherwise write over what was restored.
template <size_t kMaxVariables>
TfdgsuCheckpointStatus CallWithVariables(CheckpointCall call, Trainer* trainer,
                                         const TfdgsuCheckpointStorage& storage) {
  TfdgsuCheckpointSegment segments[kMaxVariables];
  const size_t n = trainer->n_variables();
  if (n > kMaxVariables) return kTfdgsuCheckpointBadArgument;
  for (size_t i = 0; i < n; ++i) {
    TfdgsuVariable variable;
    if (trainer->GetVariable(i, &variable) != kTfdgsuStatusOk) return kTfdgsuCheckpointBadArgument;
    segments[i] = {variable.data, static_cast<uint32_t>(variable.bytes)};
  }
  const TfdgsuBundleId id = {trainer->header().file_bytes, trainer->header().crc32};
  return n == 0 ? kTfdgsuCheckpointBadArgument : call(&storage, &id, segments, static_cast<uint32_t>(n));
}

}  // namespace internal

// Writes all variables as the newest checkpoint. BadArgument: the trainer is not initialised, or has
// more than kMaxVariables variables, which take 8 bytes of stack each on 32 bit.
template <size_t kMaxVariables = 128>
TfdgsuCheckpointStatus SaveCheckpoint(Trainer* trainer, const TfdgsuCheckpointStorage& storage) {
  return internal::CallWithVariables<kMaxVariables>(tfdgsu_checkpoint_save, trainer, storage);
}

// Sets all variables from the newest valid checkpoint of this bundle. Unstable: call trainer->Reset().
template <size_t kMaxVariables = 128>
TfdgsuCheckpointStatus RestoreCheckpoint(Trainer* trainer, const TfdgsuCheckpointStorage& storage) {
  return internal::CallWithVariables<kMaxVariables>(tfdgsu_checkpoint_restore, trainer, storage);
}

}  // namespace tfdgsu

#endif  // TFDGSU_TRAINER_CHECKPOINT_H_
