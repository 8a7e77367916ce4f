// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/checkpoint.h.

#include "tfdgsu/checkpoint.h"

const char* tfdgsu_checkpoint_status_name(TfdgsuCheckpointStatus status) {
  switch (status) {
#define TFDGSU_CHECKPOINT_NAME(suffix, name, meaning) \
  case kTfdgsuCheckpoint##suffix:                     \
    return name;
    TFDGSU_CHECKPOINT_STATUSES(TFDGSU_CHECKPOINT_NAME)
#undef TFDGSU_CHECKPOINT_NAME
  }
  return "unknown";
}
