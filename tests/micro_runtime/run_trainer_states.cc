// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Drives a tfdgsu::Trainer into what test_trainer.py asks for:
//   run_trainer_states init BUNDLE ARENA_BYTES     prints the status of Init, and what it says without each op
//   run_trainer_states import BLOB BLOB_OUT VALUES prints the status of an import, writes an export and the variables
//   run_trainer_states failures                    prints the statuses of calls that the interpreter fails
// VALUES: name\n and bytes of every variable.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tested.h"
#include "tfdgsu/trainer/c_api.h"
#include "tfdgsu/trainer/checkpoint.h"
#include "tfdgsu/trainer/trainer.h"

// The linker puts these before MicroInterpreter::Reset, whose name differs by generation.
extern "C" {
int __real__ZN6tflite16MicroInterpreter5ResetEv(void*) __attribute__((weak));
int __real__ZN6tflite5micro16MicroInterpreter5ResetEv(void*) __attribute__((weak));
static bool reset_fails = false;
int __wrap__ZN6tflite16MicroInterpreter5ResetEv(void* self) {
  return reset_fails ? 1 : __real__ZN6tflite16MicroInterpreter5ResetEv(self);
}
int __wrap__ZN6tflite5micro16MicroInterpreter5ResetEv(void* self) {
  return reset_fails ? 1 : __real__ZN6tflite5micro16MicroInterpreter5ResetEv(self);
}
}

namespace {

alignas(16) uint8_t arena[kTestedArenaBytes];
alignas(16) uint8_t c_arena[kTestedArenaBytes];
alignas(16) uint8_t file[1 << 20];
uint8_t before[1 << 20], after[1 << 20], blob[1 << 20], c_blob[1 << 20];
float x[1 << 16];
tfdgsu::Trainer trainer;

void Print(const char* what, TfdgsuStatus status) { printf("%s %s\n", what, TfdgsuStatusName(status)); }

void Print(const char* what, TfdgsuCheckpointStatus status) {
  printf("%s %s\n", what, tfdgsu_checkpoint_status_name(status));
}

size_t Read(const char* path) {
  FILE* in = fopen(path, "rb");
  const size_t n = in ? fread(file, 1, sizeof(file), in) : 0;
  if (in) fclose(in);
  return n;
}

int Write(const char* path, const void* data, size_t n) {
  FILE* out = fopen(path, "wb");
  if (!out || fwrite(data, 1, n, out) != n) return 1;
  return fclose(out);
}

// All variables with their names; the bytes written.
size_t Snapshot(uint8_t* to) {
  size_t n = 0;
  for (size_t i = 0; i < trainer.n_variables(); ++i) {
    TfdgsuVariable variable;
    if (trainer.GetVariable(i, &variable) != kTfdgsuStatusOk) exit(1);
    n += static_cast<size_t>(sprintf(reinterpret_cast<char*>(to + n), "%s\n", variable.name));
    memcpy(to + n, variable.data, variable.bytes);
    n += variable.bytes;
  }
  return n;
}

int Import(const char* from, const char* to, const char* values) {
  static TfdgsuTrainer c;
  Print("init", trainer.Init(tested, tested_bytes, TestedOpResolver(), arena, sizeof(arena)));
  Print("c init", TfdgsuTrainerInit(&c, tested, tested_bytes, tested_op_resolver(), c_arena, sizeof(c_arena)));
  // Something of its own, so that values which stay are no longer the factory's.
  Print("step", trainer.TrainStep(TfdgsuFloat32Array(x, trainer.x_elements()), 1, 0.25f));
  const size_t n_before = Snapshot(before), n = Read(from);
  size_t blob_bytes = 0, c_blob_bytes = 0;
  Print("import", tfdgsu::ImportCheckpoint(&trainer, file, n));
  Print("c import", TfdgsuTrainerImportCheckpoint(&c, file, n));
  const size_t n_after = Snapshot(after);
  printf("unchanged: %d\n", n_before == n_after && memcmp(before, after, n_after) == 0);
  Print("small buffer", tfdgsu::ExportCheckpoint(&trainer, blob, kTestedCheckpointBytes - 1, &blob_bytes));
  printf("needs: %d\n", blob_bytes == kTestedCheckpointBytes);
  Print("export", tfdgsu::ExportCheckpoint(&trainer, blob, sizeof(blob), &blob_bytes));
  Print("c export", TfdgsuTrainerExportCheckpoint(&c, c_blob, sizeof(c_blob), &c_blob_bytes));
  printf("same export: %d\n", blob_bytes == c_blob_bytes && memcmp(blob, c_blob, blob_bytes) == 0);
  printf("variables: %d\n", trainer.n_variables() == kTestedVariables);
  return Write(to, blob, blob_bytes) || Write(values, after, n_after);
}

int Failures() {
  const TfdgsuArray image = TfdgsuFloat32Array(x, 108);
  Print("init", trainer.Init(tested, tested_bytes, TestedOpResolver(), arena, sizeof(arena)));
  printf("missing op is null: %d\n", trainer.missing_op() == nullptr);
  TfdgsuVariable variable;
  Print("step", trainer.TrainStep(image, 1, 0.05f));
  Print("bias", trainer.GetVariable("head/bias", &variable));
  static_cast<float*>(variable.data)[0] = NAN;
  const size_t n = Snapshot(before);
  Print("not a number", trainer.TrainStep(image, 1, 0.05f));
  Snapshot(after);
  size_t n_changed = 0;
  for (size_t i = 0; i < n; ++i) n_changed += before[i] != after[i];
  printf("changed bytes: %zu\n", n_changed);
  Print("reset", trainer.Reset());
  Print("step", trainer.TrainStep(image, 1, 0.05f));
  Print("channels", trainer.GetVariable("deep/channels", &variable));
  static_cast<int32_t*>(variable.data)[0] = 1000;
  Print("channel out of range", trainer.TrainStep(image, 1, 0.05f));
  printf("output is null: %d\n", trainer.output() == nullptr);
  reset_fails = true;
  Print("reset", trainer.Reset());
  reset_fails = false;
  Print("reset", trainer.Reset());
  Print("step", trainer.TrainStep(image, 1, 0.05f));
  return 0;
}

using namespace tfdgsu::tflm;

// The generated resolver without the n-th op that is asked for.
class Lacking : public MicroOpResolver {
 public:
  explicit Lacking(int n) : n_(n) {}
  const TFLMRegistration* FindOp(BuiltinOperator op) const override {
    return n_-- == 0 ? nullptr : TestedOpResolver()->FindOp(op);
  }
  const TFLMRegistration* FindOp(const char* op) const override {
    return n_-- == 0 ? nullptr : TestedOpResolver()->FindOp(op);
  }
  TfLiteBridgeBuiltinParseFunction GetOpDataParser(BuiltinOperator op) const override {
    return TestedOpResolver()->GetOpDataParser(op);
  }

 private:
  mutable int n_;
  TF_LITE_REMOVE_VIRTUAL_DELETE
};

// Init of a file, and of this bundle with resolvers that each lack an op.
int Init(const char* path, const char* arena_bytes) {
  const size_t n = Read(path);
  const size_t room = static_cast<size_t>(atoi(arena_bytes));
  Print("init", trainer.Init(file, n, TestedOpResolver(), arena, room < sizeof(arena) ? room : sizeof(arena)));
  for (int i = 0;; ++i) {
    tfdgsu::Trainer other;
    TfdgsuTrainer c = {};
    const Lacking lacking(i), again(i);
    const TfdgsuStatus status = other.Init(tested, tested_bytes, &lacking, c_arena, sizeof(c_arena));
    if (status != kTfdgsuStatusOpMissing) break;  // The interpreter asks next.
    const MicroOpResolver* resolver = &again;
    Print("c without", TfdgsuTrainerInit(&c, tested, tested_bytes, resolver, c_arena, sizeof(c_arena)));
    printf("without %s %s %d\n", other.missing_op(), TfdgsuStatusName(status),
           strcmp(other.missing_op(), TfdgsuTrainerMissingOp(&c)) == 0);
    TfdgsuTrainerDestroy(&c);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && strcmp(argv[1], "init") == 0) return Init(argv[2], argv[3]);
  if (argc == 5 && strcmp(argv[1], "import") == 0) return Import(argv[2], argv[3], argv[4]);
  return Failures();
}
