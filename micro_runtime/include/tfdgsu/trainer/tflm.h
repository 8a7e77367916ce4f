// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The names of TensorFlow Lite Micro that the trainer uses, whichever generation its headers are:
// until autumn 2026 they were declared in the namespace tflite, since then in tflite::micro, the
// schema staying in tflite. tfdgsu::tflm::MicroInterpreter is either.

#ifndef TFDGSU_TRAINER_TFLM_H_
#define TFDGSU_TRAINER_TFLM_H_

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {
namespace micro {}
}  // namespace tflite

namespace tfdgsu {
namespace tflm {
using namespace ::tflite;
using namespace ::tflite::micro;
}  // namespace tflm
}  // namespace tfdgsu

#endif  // TFDGSU_TRAINER_TFLM_H_
