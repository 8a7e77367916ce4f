// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Adapts a classifier to its owner: one training step for each labelled example that comes over USB. What it learned
// is kept in flash and restored at the next start. For the Arduino Nano 33 BLE and its Sense variants.
//
// The model's files are not here: write them with
//
//   tfdgsu codegen digits_int8.tflite --out Personalize --name model
//
// Commands, one letter and what follows; each is answered by one line:
//
//   ?              example's elements, variables' bytes and arena's bytes
//   I x            class of x and its probability; x: float32, little-endian, as many as the model takes
//   T label x      one training step, label: a byte; answers the loss
//   S              saves in flash
//   F              back to the factory's weights, in RAM; S makes it last

// By this header the Arduino tools find the library that holds TensorFlow Lite Micro.
#include <TensorFlowLite.h>
#include <tfdgsu.h>

#include "flash_storage.h"
#include "model.h"

static const float kLearningRate = 0.002f;
static const size_t kMaxElements = 3072;

alignas(16) static uint8_t arena[kModelArenaBytes];
static tfdgsu::Trainer trainer;
static FlashStorage flash;
static float x[kMaxElements];

static void Answer(const char* what, const char* status) {
  Serial.print(what);
  Serial.print(' ');
  Serial.println(status);
}

// Bytes of all variables, of a checkpoint's blob about.
static uint32_t VariableBytes() {
  uint32_t bytes = 0;
  for (size_t i = 0; i < trainer.n_variables(); ++i) {
    TfdgsuVariable variable;
    if (trainer.GetVariable(i, &variable) == kTfdgsuStatusOk) bytes += variable.bytes;
  }
  return bytes;
}

static uint32_t CheckpointBytes() {
  const uint32_t sizes_bytes = 4 * static_cast<uint32_t>(trainer.n_variables());
  return kTfdgsuCheckpointHeaderBytes + sizes_bytes + VariableBytes() + 4;
}

// Stops here: without a model there is nothing to do.
static void Halt(const char* what, const char* status) {
  for (;;) {
    Answer(what, status);
    delay(1000);
  }
}

static bool ReadX() {
  const size_t bytes = trainer.x_elements() * sizeof(float);
  if (Serial.readBytes(reinterpret_cast<char*>(x), bytes) == bytes) return true;
  Answer("error", "x is not complete");
  return false;
}

static void Describe() {
  Serial.print("elements ");
  Serial.print(static_cast<unsigned long>(trainer.x_elements()));
  Serial.print(" variables ");
  Serial.print(static_cast<unsigned long>(VariableBytes()));
  Serial.print(" arena ");
  Serial.println(static_cast<unsigned long>(sizeof(arena)));
}

static void Classify() {
  if (!ReadX()) return;
  const TfdgsuStatus status = trainer.Infer(TfdgsuFloat32Array(x, trainer.x_elements()));
  if (status != kTfdgsuStatusOk) return Answer("error", TfdgsuStatusName(status));
  const float* output = trainer.output();
  size_t best = 0;
  for (size_t i = 1; i < trainer.output_elements(); ++i) {
    if (output[i] > output[best]) best = i;
  }
  Serial.print("class ");
  Serial.print(static_cast<unsigned long>(best));
  Serial.print(' ');
  Serial.println(output[best], 6);
}

static void Learn() {
  uint8_t label;
  if (Serial.readBytes(reinterpret_cast<char*>(&label), 1) != 1) return Answer("error", "label is missing");
  if (!ReadX()) return;
  const TfdgsuStatus status =
      trainer.TrainStep(TfdgsuFloat32Array(x, trainer.x_elements()), static_cast<int32_t>(label), kLearningRate);
  if (status != kTfdgsuStatusOk) return Answer("error", TfdgsuStatusName(status));
  Serial.print("loss ");
  Serial.println(trainer.loss(), 6);
}

void setup() {
  Serial.begin(115200);
  Serial.setTimeout(2000);
  const TfdgsuStatus status = trainer.Init(model, model_bytes, ModelOpResolver(), arena, sizeof(arena));
  if (status != kTfdgsuStatusOk) Halt("error", TfdgsuStatusName(status));
  if (trainer.x_elements() > kMaxElements) Halt("error", "raise kMaxElements");
  if (!flash.Begin(CheckpointBytes())) Halt("error", "no flash for checkpoints");
  // Of a new board: empty, and the factory's weights stay.
  if (tfdgsu::RestoreCheckpoint(&trainer, flash.storage()) == kTfdgsuCheckpointUnstable) trainer.Reset();
}

void loop() {
  if (!Serial.available()) return;
  switch (Serial.read()) {
    case '?': return Describe();
    case 'I': return Classify();
    case 'T': return Learn();
    case 'S':
      return Answer("save", tfdgsu_checkpoint_status_name(tfdgsu::SaveCheckpoint(&trainer, flash.storage())));
    case 'F': return Answer("factory", TfdgsuStatusName(trainer.Reset()));
    default: return Answer("error", "unknown command");
  }
}
