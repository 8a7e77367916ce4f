// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The trainer behind the C API's.

#ifndef TFDGSU_TRAINER_UNWRAP_H_
#define TFDGSU_TRAINER_UNWRAP_H_

#include "tfdgsu/trainer/c_api.h"
#include "tfdgsu/trainer/trainer.h"

namespace tfdgsu {

// Null when there is none.
inline Trainer* Unwrap(TfdgsuTrainer* trainer) {
  if (!trainer || !trainer->is_constructed) return nullptr;
  return reinterpret_cast<Trainer*>(trainer->memory);
}

inline const Trainer* Unwrap(const TfdgsuTrainer* trainer) {
  return Unwrap(const_cast<TfdgsuTrainer*>(trainer));
}

}  // namespace tfdgsu

#endif  // TFDGSU_TRAINER_UNWRAP_H_
