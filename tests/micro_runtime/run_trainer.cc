// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Drives a tfdgsu::Trainer with the bundle that tfdgsu codegen made into tested.h, for
// test_trainer.py:
//   run_trainer steps EXAMPLES RESULTS   trains on each example, writes losses, an output, variables
//   run_trainer errors                   prints the name of each status that the calls below gave
// EXAMPLES: int32 class and float32 x of each step. RESULTS: float32 losses, float32 output, then
// name\n and bytes of every variable.

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tested.h"
#include "tfdgsu/trainer/c_api.h"
#include "tfdgsu/trainer/checkpoint.h"
#include "tfdgsu/trainer/trainer.h"

namespace {

constexpr size_t kMaxBytes = 1 << 20;
alignas(16) uint8_t arena[kTestedArenaBytes];
alignas(16) uint8_t copy[kMaxBytes];
float x[1 << 16];
tfdgsu::Trainer trainer;

int Fail(const char* what, TfdgsuStatus status) {
  fprintf(stderr, "%s: %s\n", what, TfdgsuStatusName(status));
  return 1;
}

int Train(const char* examples, const char* results) {
  TfdgsuStatus status = trainer.Init(tested, tested_bytes, TestedOpResolver(), arena, sizeof(arena));
  if (status != kTfdgsuStatusOk) return Fail("Init", status);
  FILE* in = fopen(examples, "rb");
  FILE* out = fopen(results, "wb");
  if (!in || !out) return 1;
  const TfdgsuArray image = TfdgsuFloat32Array(x, trainer.x_elements());
  int32_t label;
  while (fread(&label, sizeof(label), 1, in) == 1) {
    if (fread(x, sizeof(float), image.n, in) != image.n) return 1;
    status = trainer.TrainStep(image, label, 0.05f);
    if (status != kTfdgsuStatusOk) return Fail("TrainStep", status);
    const float loss = trainer.loss();
    fwrite(&loss, sizeof(loss), 1, out);
  }
  status = trainer.Infer(image);
  if (status != kTfdgsuStatusOk) return Fail("Infer", status);
  fwrite(trainer.output(), sizeof(float), trainer.output_elements(), out);
  for (size_t i = 0; i < trainer.n_variables(); ++i) {
    TfdgsuVariable variable;
    status = trainer.GetVariable(i, &variable);
    if (status != kTfdgsuStatusOk) return Fail("GetVariable", status);
    fprintf(out, "%s\n", variable.name);
    fwrite(variable.data, 1, variable.bytes, out);
  }
  fclose(in);
  return fclose(out);
}

void Print(const char* what, TfdgsuStatus status) { printf("%s %s\n", what, TfdgsuStatusName(status)); }

void PrintRefusalsOfInit() {
  const auto* resolver = TestedOpResolver();
  Print("early step", trainer.Infer(TfdgsuFloat32Array(x, 1)));
  Print("null bundle", trainer.Init(nullptr, 1, resolver, arena, sizeof(arena)));
  memcpy(copy, tested, tested_bytes);
  copy[tested_bytes / 2] ^= 1;
  Print("flipped bit", trainer.Init(copy, tested_bytes, resolver, arena, sizeof(arena)));
  copy[tested_bytes / 2] ^= 1;
  Print("cut", trainer.Init(copy, tested_bytes - 1, resolver, arena, sizeof(arena)));
  Print("no bundle", trainer.Init(arena, sizeof(arena), resolver, copy, sizeof(copy)));
  memmove(copy + 4, copy, tested_bytes);
  Print("misaligned bundle", trainer.Init(copy + 4, tested_bytes, resolver, arena, sizeof(arena)));
  Print("misaligned arena", trainer.Init(tested, tested_bytes, resolver, arena + 8, sizeof(arena) - 16));
  Print("small arena", trainer.Init(tested, tested_bytes, resolver, arena, sizeof(arena) - 16));
  tfdgsu::tflm::MicroMutableOpResolver<1> empty;
  Print("no ops", trainer.Init(tested, tested_bytes, &empty, arena, sizeof(arena)));
  Print("init", trainer.Init(tested, tested_bytes, resolver, arena, sizeof(arena)));
  Print("second init", trainer.Init(tested, tested_bytes, resolver, arena, sizeof(arena)));
}

void PrintRefusalsOfSteps() {
  const size_t n = trainer.x_elements();
  const TfdgsuArray good = TfdgsuFloat32Array(x, n);
  const float y = 0.0f;
  const int32_t labels[2] = {0, 0};
  Print("short x", trainer.TrainStep(TfdgsuFloat32Array(x, n - 1), 0, 0.1f));
  Print("long x", trainer.Infer(TfdgsuFloat32Array(x, n + 1)));
  Print("int32 x", trainer.Infer(TfdgsuInt32Array(labels, n)));
  Print("null x", trainer.Infer(TfdgsuFloat32Array(nullptr, n)));
  Print("two labels", trainer.TrainStep(good, TfdgsuInt32Array(labels, 2), 0.1f));
  Print("float label", trainer.TrainStep(good, TfdgsuFloat32Array(&y, 1), 0.1f));
  Print("negative label", trainer.TrainStep(good, -1, 0.1f));
  Print("large label", trainer.TrainStep(good, static_cast<int32_t>(trainer.output_elements()), 0.1f));
  Print("negative rate", trainer.TrainStep(good, 0, -0.1f));
  Print("infinite rate", trainer.TrainStep(good, 0, INFINITY));
  x[n - 1] = NAN;
  Print("nan x", trainer.Infer(good));
  x[n - 1] = 0.0f;
  TfdgsuVariable variable;
  Print("unknown variable", trainer.GetVariable("nothing", &variable));
  Print("variable behind the last", trainer.GetVariable(trainer.n_variables(), &variable));
  printf("output is null: %d\n", trainer.output() == nullptr);
}

// A variable that is written before the first step must not be overwritten by factory values; Reset
// must bring those back.
void PrintVariableLife() {
  const TfdgsuArray image = TfdgsuFloat32Array(x, trainer.x_elements());
  TfdgsuVariable variable;
  Print("first variable", trainer.GetVariable(static_cast<size_t>(0), &variable));
  uint8_t* byte = static_cast<uint8_t*>(variable.data);
  const uint8_t factory = byte[0];
  byte[0] = static_cast<uint8_t>(factory ^ 1);
  Print("infer", trainer.Infer(image));
  printf("written stays: %d\n", byte[0] == static_cast<uint8_t>(factory ^ 1));
  Print("reset", trainer.Reset());
  Print("same variable", trainer.GetVariable(variable.name, &variable));
  printf("factory again: %d\n", byte == variable.data && byte[0] == factory);
}

void PrintCApi() {
  static TfdgsuTrainer c;
  static uint8_t* const memory = copy;
  const TfdgsuArray image = TfdgsuFloat32Array(x, trainer.x_elements());
  const int32_t label = 0;
  Print("c null", TfdgsuTrainerReset(nullptr));
  Print("c early", TfdgsuTrainerInfer(&c, image));
  Print("c init", TfdgsuTrainerInit(&c, tested, tested_bytes, tested_op_resolver(), memory, sizeof(copy)));
  Print("c step", TfdgsuTrainerTrainStep(&c, image, TfdgsuInt32Array(&label, 1), 0.05f));
  Print("step", trainer.TrainStep(image, label, 0.05f));
  const size_t bytes = trainer.output_elements() * sizeof(float);
  printf("same loss: %d\n", trainer.loss() == TfdgsuTrainerLoss(&c));
  printf("same output: %d\n", memcmp(trainer.output(), TfdgsuTrainerOutput(&c), bytes) == 0);
  TfdgsuTrainerDestroy(&c);
  Print("c ended", TfdgsuTrainerReset(&c));
}

// Flash of two slots of eight pages each.
constexpr uint32_t kPageBytes = 4096;
constexpr uint32_t kSlotPages = 8;
uint8_t flash[2 * kSlotPages * kPageBytes];

int Erase(void*, uint32_t page) {
  memset(flash + page * kPageBytes, 0xff, kPageBytes);
  return 0;
}

int Program(void*, uint32_t offset, const void* data, uint32_t n) {
  memcpy(flash + offset, data, n);
  return 0;
}

int Read(void*, uint32_t offset, void* data, uint32_t n) {
  memcpy(data, flash + offset, n);
  return 0;
}

void PrintCheckpoint(const char* what, TfdgsuCheckpointStatus status) {
  printf("%s %s\n", what, tfdgsu_checkpoint_status_name(status));
}

// A step, saved; after a factory reset, restored at once: the loss of the next step must be the same.
void PrintCheckpoints() {
  const TfdgsuArray image = TfdgsuFloat32Array(x, trainer.x_elements());
  const TfdgsuCheckpointStorage storage = {nullptr, Erase, Program, Read, kPageBytes, 8, kSlotPages};
  memset(flash, 0xff, sizeof(flash));
  PrintCheckpoint("restore of nothing", tfdgsu::RestoreCheckpoint(&trainer, storage));
  Print("step", trainer.TrainStep(image, 1, 0.05f));
  PrintCheckpoint("save", tfdgsu::SaveCheckpoint(&trainer, storage));
  Print("step", trainer.TrainStep(image, 1, 0.05f));
  const float loss = trainer.loss();
  Print("reset", trainer.Reset());
  PrintCheckpoint("restore", tfdgsu::RestoreCheckpoint(&trainer, storage));
  Print("step", trainer.TrainStep(image, 1, 0.05f));
  printf("same loss: %d\n", trainer.loss() == loss);
  PrintCheckpoint("too many variables", tfdgsu::SaveCheckpoint<1>(&trainer, storage));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && strcmp(argv[1], "steps") == 0) return Train(argv[2], argv[3]);
  PrintRefusalsOfInit();
  PrintRefusalsOfSteps();
  PrintVariableLife();
  PrintCApi();
  PrintCheckpoints();
  return 0;
}
