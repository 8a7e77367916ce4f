// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Trains a bundle on a Cortex-M board with 256 KB of RAM: evaluate, train image by image, evaluate, save, factory reset,
// restore, evaluate. An optional argument is the number of steps. For the host it writes weights.tfdw, which
// Session.restore and tfdgsu.load_checkpoint read, and losses.f32.

#include <stdlib.h>
#include <string.h>

#include "counter.h"
#include "flash.h"
#include "images.h"  // write_images.py
#include "model.h"   // tfdgsu codegen --name model
#include "print.h"
#include "semihosting.h"
#include "stack.h"
#include "tfdgsu/trainer/checkpoint.h"
#include "tfdgsu/trainer/trainer.h"

namespace {

constexpr size_t kReportEvery = 20;

alignas(16) uint8_t arena[kModelArenaBytes];
tfdgsu::Trainer trainer;
float losses[kTrainImages];

[[noreturn]] void Stop(const char* what, const char* status) {
  BoardPrint("%s: %s\n", what, status);
  BoardExit(1);
}

void Check(const char* what, TfdgsuStatus status) {
  if (status != kTfdgsuStatusOk) Stop(what, TfdgsuStatusName(status));
}

void Check(const char* what, TfdgsuCheckpointStatus status) {
  if (status != kTfdgsuCheckpointOk) Stop(what, tfdgsu_checkpoint_status_name(status));
}

// Images for an int8 bundle are what it takes; others have a byte per pixel in flash, for 0 to 1.
[[maybe_unused]] TfdgsuArray Image(const int8_t* pixels) { return TfdgsuInt8Array(pixels, kImageElements); }

[[maybe_unused]] TfdgsuArray Image(const uint8_t* pixels) {
  static float x[kImageElements];
  for (size_t i = 0; i < kImageElements; ++i) x[i] = static_cast<float>(pixels[i]) / 255.0f;
  return TfdgsuFloat32Array(x, kImageElements);
}

int32_t Classify(const ImageElement* pixels) {
  Check("infer", trainer.Infer(Image(pixels)));
  const float* scores = trainer.output();
  size_t best = 0;
  for (size_t i = 1; i < trainer.output_elements(); ++i) {
    if (scores[i] > scores[best]) best = i;
  }
  return static_cast<int32_t>(best);
}

void Evaluate(const char* when) {
  int n_right = 0;
  for (size_t i = 0; i < kTestImages; ++i) n_right += Classify(test_images[i]) == test_labels[i];
  BoardPrint("%s: %d of %d right\n", when, n_right, static_cast<int>(kTestImages));
}

void Train(size_t n_steps) {
  uint64_t n_instructions = 0;
  float sum = 0.0f;
  for (size_t i = 0; i < n_steps; ++i) {
    BoardStartCounter();
    Check("step", trainer.TrainStep(Image(train_images[i]), train_labels[i], kLearningRate));
    n_instructions += BoardInstructions();
    losses[i] = trainer.loss();
    sum += losses[i];
    if ((i + 1) % kReportEvery != 0) continue;
    BoardPrint("step %u: mean loss %.3f\n", i + 1, static_cast<double>(sum / kReportEvery));
    sum = 0.0f;
  }
  if (n_steps > 0) BoardPrint("instructions per step: %u\n", static_cast<unsigned>(n_instructions / n_steps));
  BoardStartCounter();
  Classify(test_images[0]);
  BoardPrint("instructions per inference: %lu\n", static_cast<unsigned long>(BoardInstructions()));
}

uint32_t HashVariables() {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < trainer.n_variables(); ++i) {
    TfdgsuVariable variable;
    Check("variable", trainer.GetVariable(i, &variable));
    const uint8_t* const bytes = static_cast<const uint8_t*>(variable.data);
    for (size_t k = 0; k < variable.bytes; ++k) hash = (hash ^ bytes[k]) * 16777619u;
  }
  return hash;
}

void SaveAndRestore() {
  const uint32_t trained = HashVariables();
  FlashEraseAll();
  Check("save", tfdgsu::SaveCheckpoint(&trainer, kFlash));
  Check("reset", trainer.Reset());
  const bool was_reset = HashVariables() != trained;
  Check("restore", tfdgsu::RestoreCheckpoint(&trainer, kFlash));
  const bool is_restored = HashVariables() == trained;
  BoardPrint("variables: %s by the reset, %s\n", was_reset ? "changed" : "unchanged",
             is_restored ? "restored" : "NOT RESTORED");
}

// The first checkpoint lies in the first slot; as a file it is a .tfdw.
void WriteFiles(size_t n_steps) {
  uint32_t bytes;
  memcpy(&bytes, FlashAt(12), sizeof(bytes));
  const bool are_written = BoardWriteFile("weights.tfdw", FlashAt(0), bytes) == 0 &&
                           BoardWriteFile("losses.f32", losses, n_steps * sizeof(losses[0])) == 0;
  if (!are_written) Stop("files", "the host could not write them");
}

}  // namespace

int main(int argc, char** argv) {
  BoardPaintStack();
  size_t n_steps = kTrainImages;
  if (argc > 1) n_steps = static_cast<size_t>(atoi(argv[1]));
  if (n_steps > kTrainImages) Stop("steps", "there are fewer images");
  Check("init", trainer.Init(model, model_bytes, ModelOpResolver(), arena, sizeof(arena)));
  BoardPrint("arena: %u bytes, %u used\n", sizeof(arena), trainer.arena_used_bytes());
  Evaluate("before");
  Train(n_steps);
  Evaluate("after");
  SaveAndRestore();
  Evaluate("restored");
  BoardPrint("stack: %lu bytes\n", static_cast<unsigned long>(BoardStackBytes()));
  WriteFiles(n_steps);
  return 0;
}
