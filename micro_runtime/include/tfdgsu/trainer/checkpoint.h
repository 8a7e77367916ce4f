// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Saves the variables of a trainer in flash or as bytes and brings them back, by tfdgsu/checkpoint.h. In a
// header of its own, so that firmware without checkpoints links none.

#ifndef TFDGSU_TRAINER_CHECKPOINT_H_
#define TFDGSU_TRAINER_CHECKPOINT_H_

#include <stddef.h>
#include <stdint.h>

#include "tfdgsu/checkpoint.h"
#include "tfdgsu/trainer/trainer.h"

namespace tfdgsu {
namespace internal {

// Calls call(&id, segments, n) with the variables of a trainer. Looks them up anew each time: after a Reset this
// loads the factory values first, which the next step would otherwise write over what was restored.
template <size_t kMaxVariables, typename Call>
TfdgsuCheckpointStatus CallWithVariables(Trainer* trainer, const Call& call) {
  TfdgsuCheckpointSegment segments[kMaxVariables];
  const size_t n = trainer->n_variables();
  if (n == 0 || n > kMaxVariables) return kTfdgsuCheckpointBadArgument;
  for (size_t i = 0; i < n; ++i) {
    TfdgsuVariable variable;
    if (trainer->GetVariable(i, &variable) != kTfdgsuStatusOk) return kTfdgsuCheckpointBadArgument;
    segments[i] = {variable.data, static_cast<uint32_t>(variable.bytes)};
  }
  const TfdgsuBundleId id = {trainer->header().file_bytes, trainer->header().crc32};
  return call(&id, segments, static_cast<uint32_t>(n));
}

}  // namespace internal

// Common to all: BadArgument if the trainer is not initialised, or has more than kMaxVariables variables, which
// take 8 bytes of stack each on 32 bit. tfdgsu codegen writes the number of a bundle's variables.

// Writes all variables as the newest checkpoint.
template <size_t kMaxVariables = 128>
TfdgsuCheckpointStatus SaveCheckpoint(Trainer* trainer, const TfdgsuCheckpointStorage& storage) {
  return internal::CallWithVariables<kMaxVariables>(
      trainer, [&](const TfdgsuBundleId* id, const TfdgsuCheckpointSegment* segments, uint32_t n) {
        return tfdgsu_checkpoint_save(&storage, id, segments, n);
      });
}

// Sets all variables from the newest valid checkpoint of this bundle. Unstable: call trainer->Reset().
template <size_t kMaxVariables = 128>
TfdgsuCheckpointStatus RestoreCheckpoint(Trainer* trainer, const TfdgsuCheckpointStorage& storage) {
  return internal::CallWithVariables<kMaxVariables>(
      trainer, [&](const TfdgsuBundleId* id, const TfdgsuCheckpointSegment* segments, uint32_t n) {
        return tfdgsu_checkpoint_restore(&storage, id, segments, n);
      });
}

// Writes a checkpoint into memory, to send it away: the bytes of a `.tfdw` file, which Session.restore and
// tfdgsu.load_checkpoint read. *bytes is its length, with TooLarge too.
template <size_t kMaxVariables = 128>
TfdgsuCheckpointStatus ExportCheckpoint(Trainer* trainer, void* buffer, size_t buffer_bytes, size_t* bytes) {
  return internal::CallWithVariables<kMaxVariables>(
      trainer, [&](const TfdgsuBundleId* id, const TfdgsuCheckpointSegment* segments, uint32_t n) {
        const uint32_t room = buffer_bytes < UINT32_MAX ? static_cast<uint32_t>(buffer_bytes) : UINT32_MAX;
        uint32_t length = 0;
        const TfdgsuCheckpointStatus status = tfdgsu_checkpoint_export(id, segments, n, buffer, room, &length);
        if (bytes) *bytes = length;
        return bytes ? status : kTfdgsuCheckpointBadArgument;
      });
}

// Sets all variables from a checkpoint that arrived as bytes: Session.save's, ExportCheckpoint's, or a slot's. Every
// status but Ok leaves them as they are. Nothing is written to flash: SaveCheckpoint does that.
template <size_t kMaxVariables = 128>
TfdgsuCheckpointStatus ImportCheckpoint(Trainer* trainer, const void* data, size_t bytes) {
  return internal::CallWithVariables<kMaxVariables>(
      trainer, [&](const TfdgsuBundleId* id, const TfdgsuCheckpointSegment* segments, uint32_t n) {
        const uint32_t length = bytes < UINT32_MAX ? static_cast<uint32_t>(bytes) : UINT32_MAX;
        return tfdgsu_checkpoint_import(id, segments, n, data, length);
      });
}

}  // namespace tfdgsu

#endif  // TFDGSU_TRAINER_CHECKPOINT_H_
