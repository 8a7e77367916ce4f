// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// A custom op with arbitrary options and operands: Init, Prepare, and Invoke where Prepare agrees.
//
// Input: op, inputs, outputs, option bytes (a byte each), the options, then of each operand a byte
// (type | rank << 3 | fill << 6), a byte for each size; the rest is what tensors are filled with.

#include "expect.h"
#include "register.h"

enum { kMaxTensors = 48, kMaxRank = 8, kMaxBlocks = 4, kMaxElements = 4096 };
enum { kZeros, kBytes, kRamp, kSmall };

typedef struct {
  int size;
  int data[kMaxRank];
} Dims;

typedef struct {
  int size;
  int data[kMaxTensors];
} Indices;

typedef struct {
  TfLiteContext context;  // first: the adapters hand its address back
  TfLiteEvalTensor tensors[kMaxTensors];
  Dims dims[kMaxTensors];
  int fills[kMaxTensors];
  int n_tensors;
  void* blocks[kMaxBlocks];  // persistent memory and scratch
  int n_blocks;
  int is_prepared;
} Run;

typedef struct {
  int wanted;
  const struct TFLMRegistration* found;
} Search;

static const TfLiteType kTypes[8] = {kTfLiteNoType, kTfLiteFloat32, kTfLiteInt32, kTfLiteUInt8,
                                     kTfLiteInt8,   kTfLiteNoType,  kTfLiteInt8,  kTfLiteFloat32};
// What the largest bytes stand for.
static const int kLargeSizes[8] = {1 << 24, (1 << 24) + 1, 1 << 30, INT32_MAX, -1, INT32_MIN, 65536, 46341};

static TfLiteEvalTensor* GetEvalTensor(const TfLiteContext* context, int index) {
  Run* run = (Run*)(uintptr_t)context;
  EXPECT(index >= 0 && index < run->n_tensors);
  return &run->tensors[index];
}

static void* NewRunBlock(Run* run, size_t bytes) {
  EXPECT(run->n_blocks < kMaxBlocks && !run->is_prepared);
  void* block = NewBlock(bytes);
  memset(block, 0xA5, bytes);
  return run->blocks[run->n_blocks++] = block;
}

static void* AllocatePersistentBuffer(TfLiteContext* context, size_t bytes) {
  return NewRunBlock((Run*)context, bytes);
}

// An arena that has not room for everything either.
static TfLiteStatus RequestScratchBufferInArena(TfLiteContext* context, size_t bytes, int* index) {
  if (bytes > 1 << 24) return kTfLiteError;
  *index = ((Run*)context)->n_blocks;
  NewRunBlock((Run*)context, bytes);
  return kTfLiteOk;
}

static void* GetScratchBuffer(TfLiteContext* context, int index) {
  Run* run = (Run*)context;
  EXPECT(index >= 0 && index < run->n_blocks);
  return run->blocks[index];
}

static TfLiteStatus Match(void* search, const char* name, const struct TFLMRegistration* op) {
  Search* wanted = (Search*)search;
  (void)name;
  if (wanted->wanted-- == 0) wanted->found = op;
  return kTfLiteOk;
}

static void TakeOperands(Input* input, Run* run, Indices* indices, int n) {
  indices->size = n;
  for (int i = 0; i < n; ++i) {
    const uint8_t what = TakeByte(input);
    indices->data[i] = what & 7 ? run->n_tensors : -1;
    if (!(what & 7)) continue;
    const int at = run->n_tensors++;
    Dims* dims = &run->dims[at];
    dims->size = what >> 3 & 7;
    for (int axis = 0; axis < dims->size; ++axis) {
      const uint8_t size = TakeByte(input);
      dims->data[axis] = size < 248 ? size : kLargeSizes[size - 248];
    }
    run->tensors[at].type = kTypes[what & 7];
    run->tensors[at].dims = (TfLiteIntArray*)dims;
    run->fills[at] = what >> 6;
  }
}

// Elements of a tensor that Invoke may see, else 0.
static int SmallCount(const Dims* dims) {
  int64_t elements = 1;
  for (int axis = 0; axis < dims->size; ++axis) {
    if (dims->data[axis] < 1 || dims->data[axis] > kMaxElements) return 0;
    elements *= dims->data[axis];
    if (elements > kMaxElements) return 0;
  }
  return (int)elements;
}

static void Fill(Input* input, TfLiteEvalTensor* tensor, int fill, int n) {
  const int is_wide = tensor->type == kTfLiteFloat32 || tensor->type == kTfLiteInt32;
  const size_t bytes = (size_t)n * (is_wide ? 4 : 1);
  uint8_t* data = (uint8_t*)NewBlock(bytes);
  memset(data, 0, bytes);
  tensor->data.data = data;
  for (size_t i = 0; fill == kBytes && i < bytes; ++i) data[i] = TakeByte(input);
  for (int i = 0; fill >= kRamp && i < n; ++i) {
    const int value = fill == kRamp ? i : (int8_t)TakeByte(input);
    if (tensor->type == kTfLiteFloat32) tensor->data.f[i] = (float)value / 16.0f;
    else if (is_wide) tensor->data.i32[i] = value;
    else data[i] = (uint8_t)value;
  }
}

static void FreeAll(Run* run) {
  for (int i = 0; i < run->n_tensors; ++i) free(run->tensors[i].data.data);
  for (int i = 0; i < run->n_blocks; ++i) free(run->blocks[i]);
}

// Whether all operands are small enough; gives them their memory if so.
static int FillAll(Input* input, Run* run) {
  for (int i = 0; i < run->n_tensors; ++i) {
    if (!SmallCount(&run->dims[i])) return 0;
  }
  for (int i = 0; i < run->n_tensors; ++i) {
    Fill(input, &run->tensors[i], run->fills[i], SmallCount(&run->dims[i]));
  }
  return 1;
}

static void RunOp(Input* input, Run* run, TfLiteNode* node, const struct TFLMRegistration* op) {
  // Constants have their data before Prepare, and only this op reads some then. All others see none.
  const int is_early = op == TfdgsuRegistrationLoadVariables();
  int is_filled = is_early && FillAll(input, run);
  if (op->init) node->user_data = op->init(&run->context, NULL, 0);
  if (op->prepare(&run->context, node) != kTfLiteOk) return;
  run->is_prepared = 1;
  if (!is_early) is_filled = FillAll(input, run);
  if (!is_filled) return;
  for (int step = 0; step < 2; ++step) {
    const TfLiteStatus status = op->invoke(&run->context, node);
    EXPECT(status == kTfLiteOk || status == kTfLiteError);
    if (step == 0 && op->reset) op->reset(&run->context, node->user_data);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input = {data, size};
  static Run run;
  Indices inputs, outputs;
  TfLiteNode node;
  memset(&run, 0, sizeof(run));
  memset(&node, 0, sizeof(node));
  run.context.GetEvalTensor = GetEvalTensor;
  run.context.AllocatePersistentBuffer = AllocatePersistentBuffer;
  run.context.RequestScratchBufferInArena = RequestScratchBufferInArena;
  run.context.GetScratchBuffer = GetScratchBuffer;
  Search search = {TakeByte(&input) % kTfdgsuOpCount, NULL};
  TfdgsuRegisterOpsWith(&search, Match);
  const int n_inputs = TakeByte(&input) % (kMaxTensors - 4), n_outputs = TakeByte(&input) % 4;
  const size_t n_options = TakeByte(&input);
  uint8_t* block = (uint8_t*)NewBlock(n_options + 1);
  uint8_t* options = block + 1;  // options need not be aligned in the file
  for (size_t i = 0; i < n_options; ++i) options[i] = TakeByte(&input);
  node.custom_initial_data = n_options ? options : NULL;
  node.custom_initial_data_size = (int)n_options;
  TakeOperands(&input, &run, &inputs, n_inputs);
  TakeOperands(&input, &run, &outputs, n_outputs);
  node.inputs = (TfLiteIntArray*)&inputs;
  node.outputs = (TfLiteIntArray*)&outputs;
  RunOp(&input, &run, &node, search.found);
  FreeAll(&run);
  free(block);
  return 0;
}
