// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
#include "tfdgsu/trainer/trainer.h"

#include <math.h>
#include <string.h>

#include <new>

namespace tfdgsu {
namespace {

using tflm::MicroInterpreter;

bool IsMultiple(const void* pointer, uintptr_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % alignment == 0;
}

bool AreFinite(const float* values, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (!isfinite(values[i])) return false;
  }
  return true;
}

const tflm::SignatureDef* FindSignature(const tflm::Model* model, const char* key) {
  if (!model->signature_defs()) return nullptr;
  for (const tflm::SignatureDef* signature : *model->signature_defs()) {
    if (signature->signature_key() && strcmp(signature->signature_key()->c_str(), key) == 0) {
      return signature;
    }
  }
  return nullptr;
}

// Tensor of a name in a signature's inputs or outputs; -1 when absent.
template <typename TensorMaps>
int32_t FindTensor(const TensorMaps* maps, const char* name) {
  if (!maps) return -1;
  for (const auto* map : *maps) {
    if (map->name() && strcmp(map->name()->c_str(), name) == 0) {
      return static_cast<int32_t>(map->tensor_index());
    }
  }
  return -1;
}

// Place of a tensor in a list of the subgraph, n when absent.
template <typename Indices>
size_t FindPosition(const Indices& indices, int32_t tensor_idx) {
  size_t i = 0;
  while (i < indices.size() && indices.Get(static_cast<uint32_t>(i)) != tensor_idx) ++i;
  return i;
}

template <typename Tensor>
bool ReadType(const Tensor& tensor, TfdgsuElementType* type, size_t* element_bytes) {
  const int code = static_cast<int>(tensor.type);
  // Values of TfLiteType, whose name is in another namespace in each generation.
  enum { kFloat32 = 1, kInt32 = 2, kInt8 = 9 };
  *element_bytes = code == kInt8 ? 1 : 4;
  *type = code == kInt8 ? kTfdgsuInt8 : code == kInt32 ? kTfdgsuInt32 : kTfdgsuFloat32;
  return code == kFloat32 || code == kInt32 || code == kInt8;
}

bool IsCustomOp(const tflm::OperatorCode* code, const char* name) {
  return code->custom_code() && strcmp(code->custom_code()->c_str(), name) == 0;
}

}  // namespace

Trainer::~Trainer() { Destroy(); }

void Trainer::Destroy() {
  if (has_interpreter_) interpreter()->~MicroInterpreter();
  has_interpreter_ = is_ready_ = is_loaded_ = has_output_ = false;
}

MicroInterpreter* Trainer::interpreter() const {
  return reinterpret_cast<MicroInterpreter*>(const_cast<unsigned char*>(memory_));
}

TfdgsuStatus Trainer::Init(const void* bundle, size_t bundle_bytes,
                           const tflm::MicroOpResolver* resolver, void* arena, size_t arena_bytes) {
  if (is_ready_) return kTfdgsuStatusAlreadyInitialised;
  missing_op_ = nullptr;
  if (!bundle || !resolver || !arena) return kTfdgsuStatusNullPointer;
  if (!IsMultiple(bundle, kTfdgsuBundleAlignment)) return kTfdgsuStatusBundleMisaligned;
  if (!IsMultiple(arena, kTfdgsuArenaAlignment)) return kTfdgsuStatusArenaMisaligned;
  TfdgsuStatus status = TfdgsuCheckBundle(bundle, bundle_bytes, &header_);
  if (status != kTfdgsuStatusOk) return status;
  arena_bytes -= arena_bytes % kTfdgsuArenaAlignment;
  if (arena_bytes < TfdgsuMinimumArenaBytes(&header_)) return kTfdgsuStatusArenaTooSmall;
  model_ = tflm::GetModel(bundle);
  status = CheckOps(*resolver);
  if (status != kTfdgsuStatusOk) return status;
  Destroy();
  new (memory_) MicroInterpreter(model_, *resolver, static_cast<uint8_t*>(arena), arena_bytes);
  has_interpreter_ = true;
  loss_ = 0.0f;
  if (static_cast<int>(interpreter()->AllocateTensors()) != 0) return kTfdgsuStatusAllocationFailed;
  status = BindPorts();
  if (status == kTfdgsuStatusOk) status = BindVariables();
  is_ready_ = status == kTfdgsuStatusOk;
  return status;
}

TfdgsuStatus Trainer::CheckOps(const tflm::MicroOpResolver& resolver) {
  if (!model_->operator_codes()) return kTfdgsuStatusBundleUnsupported;
  labels_are_probabilities_ = true;
  for (const tflm::OperatorCode* code : *model_->operator_codes()) {
    // Of ops with a number below 127, older files hold it in the 8-bit field alone.
    const tflm::BuiltinOperator number = static_cast<tflm::BuiltinOperator>(
        code->builtin_code() > code->deprecated_builtin_code() ? static_cast<int>(code->builtin_code())
                                                               : code->deprecated_builtin_code());
    const bool is_custom = number == tflm::BuiltinOperator_CUSTOM;
    if (is_custom && !code->custom_code()) return kTfdgsuStatusBundleUnsupported;
    const auto* op = is_custom ? resolver.FindOp(code->custom_code()->c_str()) : resolver.FindOp(number);
    if (!op) {
      missing_op_ = is_custom ? code->custom_code()->c_str() : tflm::EnumNameBuiltinOperator(number);
      return kTfdgsuStatusOpMissing;
    }
    if (IsCustomOp(code, "TfdgsuMeanSquaredError")) labels_are_probabilities_ = false;
  }
  return kTfdgsuStatusOk;
}

bool Trainer::FindInput(int32_t tensor_idx, Port* port) const {
  const size_t i = FindPosition(interpreter()->inputs(), tensor_idx);
  if (i == interpreter()->inputs_size()) return false;
  const auto* tensor = interpreter()->input(i);
  size_t element_bytes;
  if (!tensor || !tensor->data.data || !ReadType(*tensor, &port->type, &element_bytes)) return false;
  port->data = tensor->data.data;
  port->n = tensor->bytes / element_bytes;
  return true;
}

// Of a float32 output; null when there is none.
const float* Trainer::FindOutput(int32_t tensor_idx, size_t* n) const {
  const size_t i = FindPosition(interpreter()->outputs(), tensor_idx);
  if (i == interpreter()->outputs_size()) return nullptr;
  const auto* tensor = interpreter()->output(i);
  TfdgsuElementType type;
  size_t element_bytes;
  if (!tensor || !ReadType(*tensor, &type, &element_bytes) || type != kTfdgsuFloat32) return nullptr;
  *n = tensor->bytes / element_bytes;
  return tensor->data.f;
}

TfdgsuStatus Trainer::BindPorts() {
  const tflm::SignatureDef* train = FindSignature(model_, "train");
  if (!train) return kTfdgsuStatusBundleUnsupported;
  Port rate, flag;
  const bool has_all = FindInput(FindTensor(train->inputs(), "x"), &x_) &&
                       FindInput(FindTensor(train->inputs(), "y"), &y_) &&
                       FindInput(FindTensor(train->inputs(), "learning_rate"), &rate) &&
                       FindInput(FindTensor(train->inputs(), "train"), &flag);
  if (!has_all) return kTfdgsuStatusBundleUnsupported;
  size_t n_losses = 0;
  loss_data_ = FindOutput(FindTensor(train->outputs(), "loss"), &n_losses);
  output_ = FindOutput(FindTensor(train->outputs(), "output"), &n_output_);
  const bool scalars = rate.n == 1 && rate.type == kTfdgsuFloat32 && flag.n == 1 &&
                       flag.type == kTfdgsuInt32 && loss_data_ && n_losses == 1;
  if (!scalars || !output_ || y_.type == kTfdgsuInt8 || x_.type == kTfdgsuInt32) {
    return kTfdgsuStatusBundleUnsupported;
  }
  learning_rate_ = static_cast<float*>(rate.data);
  train_ = static_cast<int32_t*>(flag.data);
  return BindX(FindTensor(train->inputs(), "x"));
}

// Batch size and, for int8, what its integers stand for.
TfdgsuStatus Trainer::BindX(int32_t tensor_idx) {
  const auto* x = interpreter()->input(FindPosition(interpreter()->inputs(), tensor_idx));
  if (!x->dims || x->dims->size < 1 || x->dims->data[0] < 1) return kTfdgsuStatusBundleUnsupported;
  n_batch_ = static_cast<size_t>(x->dims->data[0]);
  const bool fits = n_output_ % n_batch_ == 0 &&
                    y_.n == (y_.type == kTfdgsuInt32 ? n_batch_ : n_output_);
  if (!fits) return kTfdgsuStatusBundleUnsupported;
  x_scale_ = x_.type == kTfdgsuInt8 ? x->params.scale : 0.0f;
  x_zero_point_ = x_.type == kTfdgsuInt8 ? static_cast<int32_t>(x->params.zero_point) : 0;
  const bool has_scale = x_.type == kTfdgsuFloat32 || (isfinite(x_scale_) && x_scale_ > 0.0f);
  return has_scale ? kTfdgsuStatusOk : kTfdgsuStatusBundleUnsupported;
}

TfdgsuStatus Trainer::BindVariables() {
  const tflm::SignatureDef* save = FindSignature(model_, "save");
  if (!save || !save->outputs()) return kTfdgsuStatusBundleUnsupported;
  for (const auto* map : *save->outputs()) {
    Port port;
    if (!map->name() || !FindInput(static_cast<int32_t>(map->tensor_index()), &port)) {
      return kTfdgsuStatusBundleUnsupported;
    }
  }
  n_variables_ = save->outputs()->size();
  return kTfdgsuStatusOk;
}

TfdgsuStatus Trainer::CheckX(const TfdgsuArray& x) const {
  if (!x.data) return kTfdgsuStatusNullPointer;
  if (x.type != kTfdgsuFloat32 && x.type != x_.type) return kTfdgsuStatusWrongType;
  if (x.n != x_.n) return kTfdgsuStatusWrongSize;
  if (x.type != kTfdgsuFloat32) return kTfdgsuStatusOk;
  return AreFinite(static_cast<const float*>(x.data), x.n) ? kTfdgsuStatusOk : kTfdgsuStatusNotFinite;
}

TfdgsuStatus Trainer::CheckY(const TfdgsuArray& y) const {
  if (!y.data) return kTfdgsuStatusNullPointer;
  if (y.type != y_.type) return kTfdgsuStatusWrongType;
  if (y.n != y_.n) return kTfdgsuStatusWrongSize;
  if (y.type == kTfdgsuInt32) {
    const int32_t* labels = static_cast<const int32_t*>(y.data);
    const int32_t n_classes = static_cast<int32_t>(n_output_ / n_batch_);
    for (size_t i = 0; i < y.n; ++i) {
      if (labels[i] < 0 || labels[i] >= n_classes) return kTfdgsuStatusLabelOutOfRange;
    }
    return kTfdgsuStatusOk;
  }
  const float* values = static_cast<const float*>(y.data);
  if (!AreFinite(values, y.n)) return kTfdgsuStatusNotFinite;
  for (size_t i = 0; labels_are_probabilities_ && i < y.n; ++i) {
    if (values[i] < 0.0f || values[i] > 1.0f) return kTfdgsuStatusLabelOutOfRange;
  }
  return kTfdgsuStatusOk;
}

void Trainer::SetX(const TfdgsuArray& x) {
  if (x.type == x_.type) {
    memcpy(x_.data, x.data, x.n * (x.type == kTfdgsuInt8 ? 1 : sizeof(float)));
    return;
  }
  const float* values = static_cast<const float*>(x.data);
  int8_t* quantized = static_cast<int8_t*>(x_.data);
  const float zero_point = static_cast<float>(x_zero_point_);
  for (size_t i = 0; i < x.n; ++i) {
    // In this order, as the exporter's quantizer: divide, round half to even, add, clip.
    const float units = rintf(values[i] / x_scale_) + zero_point;
    quantized[i] = static_cast<int8_t>(units < -128.0f ? -128.0f : units > 127.0f ? 127.0f : units);
  }
}

TfdgsuStatus Trainer::Invoke(int32_t train) {
  *train_ = train;
  const bool is_ok = static_cast<int>(interpreter()->Invoke()) == 0;
  *train_ = 0;
  has_output_ = is_ok;
  if (!is_ok) return kTfdgsuStatusInvokeFailed;
  is_loaded_ = true;
  return kTfdgsuStatusOk;
}

TfdgsuStatus Trainer::TrainStep(const TfdgsuArray& x, const TfdgsuArray& y, float learning_rate) {
  if (!is_ready_) return kTfdgsuStatusNotInitialised;
  TfdgsuStatus status = CheckX(x);
  if (status == kTfdgsuStatusOk) status = CheckY(y);
  if (status != kTfdgsuStatusOk) return status;
  if (!(isfinite(learning_rate) && learning_rate >= 0.0f)) return kTfdgsuStatusBadLearningRate;
  SetX(x);
  memcpy(y_.data, y.data, y.n * sizeof(int32_t));  // float32 is as wide
  *learning_rate_ = learning_rate;
  status = Invoke(1);
  if (status != kTfdgsuStatusOk) return status;
  loss_ = *loss_data_;
  return isfinite(loss_) ? kTfdgsuStatusOk : kTfdgsuStatusLossNotFinite;
}

TfdgsuStatus Trainer::TrainStep(const TfdgsuArray& x, int32_t label, float learning_rate) {
  return TrainStep(x, TfdgsuInt32Array(&label, 1), learning_rate);
}

TfdgsuStatus Trainer::Infer(const TfdgsuArray& x) {
  if (!is_ready_) return kTfdgsuStatusNotInitialised;
  const TfdgsuStatus status = CheckX(x);
  if (status != kTfdgsuStatusOk) return status;
  SetX(x);
  return Invoke(0);
}

TfdgsuStatus Trainer::Reset() {
  if (!is_ready_) return kTfdgsuStatusNotInitialised;
  is_loaded_ = has_output_ = false;
  return static_cast<int>(interpreter()->Reset()) == 0 ? kTfdgsuStatusOk : kTfdgsuStatusResetFailed;
}

// The bundle's first op copies them at the first invoke, over whatever was written before.
TfdgsuStatus Trainer::LoadFactoryValues() {
  if (is_loaded_) return kTfdgsuStatusOk;
  memset(x_.data, 0, x_.n * (x_.type == kTfdgsuInt8 ? 1 : sizeof(float)));
  const TfdgsuStatus status = Invoke(0);
  has_output_ = false;  // It is of no input that the caller gave.
  return status;
}

TfdgsuStatus Trainer::GetVariable(size_t i, TfdgsuVariable* variable) {
  if (!is_ready_) return kTfdgsuStatusNotInitialised;
  if (!variable) return kTfdgsuStatusNullPointer;
  if (i >= n_variables_) return kTfdgsuStatusNoSuchVariable;
  const TfdgsuStatus status = LoadFactoryValues();
  if (status != kTfdgsuStatusOk) return status;
  const auto* map = FindSignature(model_, "save")->outputs()->Get(static_cast<uint32_t>(i));
  Port port;
  if (!FindInput(static_cast<int32_t>(map->tensor_index()), &port)) return kTfdgsuStatusNoSuchVariable;
  variable->name = map->name()->c_str();
  variable->data = port.data;
  variable->bytes = port.n * (port.type == kTfdgsuInt8 ? 1 : 4);
  variable->type = port.type;
  return kTfdgsuStatusOk;
}

TfdgsuStatus Trainer::GetVariable(const char* name, TfdgsuVariable* variable) {
  if (!is_ready_) return kTfdgsuStatusNotInitialised;
  if (!name || !variable) return kTfdgsuStatusNullPointer;
  const auto* maps = FindSignature(model_, "save")->outputs();
  for (uint32_t i = 0; i < maps->size(); ++i) {
    if (strcmp(maps->Get(i)->name()->c_str(), name) == 0) return GetVariable(static_cast<size_t>(i), variable);
  }
  return kTfdgsuStatusNoSuchVariable;
}

size_t Trainer::arena_used_bytes() const { return is_ready_ ? interpreter()->arena_used_bytes() : 0; }

}  // namespace tfdgsu
