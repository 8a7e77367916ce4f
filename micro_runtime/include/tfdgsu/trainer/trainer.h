// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Trains and infers with a bundle on TensorFlow Lite Micro's interpreter. No heap, no exceptions, no
// RTTI, no output of its own.
//
//   #include "model.h"  // tfdgsu codegen model.tflite --out .
//   alignas(16) static uint8_t arena[kModelArenaBytes];
//   static tfdgsu::Trainer trainer;
//
//   TfdgsuStatus status = trainer.Init(model_tflite, model_tflite_bytes, ModelOpResolver(), arena,
//                                      sizeof(arena));
//   status = trainer.TrainStep(TfdgsuFloat32Array(x, kPixels), label, 0.05f);
//   float loss = trainer.loss();
//   status = trainer.Infer(TfdgsuFloat32Array(x, kPixels));
//   const float* probabilities = trainer.output();
//
// One trainer is for one thread. Bundle, resolver and arena must outlive it.

#ifndef TFDGSU_TRAINER_TRAINER_H_
#define TFDGSU_TRAINER_TRAINER_H_

#include <stddef.h>
#include <stdint.h>

#include "tfdgsu/trainer/array.h"
#include "tfdgsu/trainer/bundle_header.h"
#include "tfdgsu/trainer/status.h"
#include "tfdgsu/trainer/tflm.h"

namespace tfdgsu {

class Trainer {
 public:
  Trainer() = default;
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Checks the bundle (16-byte aligned, may lie in flash) and plans it in the arena (16-byte
  // aligned; what lies behind its last multiple of 16 bytes is not used). The resolver must know the
  // bundle's ops. After a failure the trainer may be initialised again.
  TfdgsuStatus Init(const void* bundle, size_t bundle_bytes, const tflm::MicroOpResolver* resolver,
                    void* arena, size_t arena_bytes);

  // Of an Init that gave OpMissing, the op: "CONV_2D", or a custom op's string. Null otherwise.
  const char* missing_op() const { return missing_op_; }

  // One step of SGD on a batch, x and y as the bundle has them: x float32, or int8 if the bundle's is
  // (which takes float32 too, and quantizes it); y int32 class numbers, one per example, or float32
  // values as the output. LossNotFinite: the weights are as they were.
  TfdgsuStatus TrainStep(const TfdgsuArray& x, const TfdgsuArray& y, float learning_rate);
  // The same, for a batch of one example.
  TfdgsuStatus TrainStep(const TfdgsuArray& x, int32_t label, float learning_rate);

  // The model's output for a batch; trains nothing.
  TfdgsuStatus Infer(const TfdgsuArray& x);

  // Back to the factory: the weights that the bundle was exported with.
  TfdgsuStatus Reset();

  // Of the last TrainStep, before its update; 0 before any.
  float loss() const { return loss_; }

  // float32 [batch_size * output_size], of the last TrainStep or Infer and valid until the next; null before any.
  const float* output() const { return has_output_ ? output_ : nullptr; }
  size_t output_elements() const { return n_output_; }
  size_t x_elements() const { return x_.n; }
  size_t y_elements() const { return y_.n; }
  size_t batch_size() const { return n_batch_; }

  // real = scale * (integer - zero_point) of an int8 x; scale is 0 for float32.
  float x_scale() const { return x_scale_; }
  int32_t x_zero_point() const { return x_zero_point_; }

  // Variables in the order of the bundle's metadata, which is that of checkpoints. Whoever writes to
  // one vouches for the values: finite, int8 weights not -128, channel numbers distinct and in range.
  size_t n_variables() const { return n_variables_; }
  TfdgsuStatus GetVariable(size_t i, TfdgsuVariable* variable);
  TfdgsuStatus GetVariable(const char* name, TfdgsuVariable* variable);

  // Valid after Init.
  const TfdgsuBundleHeader& header() const { return header_; }
  // Bytes of the arena in use.
  size_t arena_used_bytes() const;

 private:
  // An input of the bundle, where the interpreter has it.
  struct Port {
    void* data = nullptr;
    size_t n = 0;
    TfdgsuElementType type = kTfdgsuFloat32;
  };

  tflm::MicroInterpreter* interpreter() const;
  TfdgsuStatus CheckOps(const tflm::MicroOpResolver& resolver);
  TfdgsuStatus BindPorts();
  TfdgsuStatus BindVariables();
  TfdgsuStatus BindX(int32_t tensor_idx);
  bool FindInput(int32_t tensor_idx, Port* port) const;
  const float* FindOutput(int32_t tensor_idx, size_t* n) const;
  TfdgsuStatus CheckX(const TfdgsuArray& x) const;
  TfdgsuStatus CheckY(const TfdgsuArray& y) const;
  void SetX(const TfdgsuArray& x);
  TfdgsuStatus Invoke(int32_t train);
  TfdgsuStatus LoadFactoryValues();
  void Destroy();

  // Raw, so that a trainer can be a global that does nothing before Init.
  alignas(tflm::MicroInterpreter) unsigned char memory_[sizeof(tflm::MicroInterpreter)] = {};
  const tflm::Model* model_ = nullptr;
  TfdgsuBundleHeader header_ = {};
  Port x_, y_;
  float* learning_rate_ = nullptr;
  int32_t* train_ = nullptr;
  const float* output_ = nullptr;
  const char* missing_op_ = nullptr;
  const float* loss_data_ = nullptr;
  size_t n_output_ = 0;
  size_t n_batch_ = 0;
  size_t n_variables_ = 0;
  float x_scale_ = 0.0f;
  int32_t x_zero_point_ = 0;
  float loss_ = 0.0f;
  bool labels_are_probabilities_ = false;  // float32 y of a crossentropy
  bool has_interpreter_ = false;
  bool is_ready_ = false;
  bool is_loaded_ = false;
  bool has_output_ = false;
};

}  // namespace tfdgsu

#endif  // TFDGSU_TRAINER_TRAINER_H_
