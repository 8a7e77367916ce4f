// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Runs op cases from a file through the adapters: Init, Prepare, Invoke. Every tensor is a heap block
// of exactly its size, so that a sanitizer sees the first byte beyond. Writes the tensors after it.
//
// Case: name[64], n_inputs, n_outputs, option bytes (int32 each), options; then per tensor its type
// (0: absent), rank, sizes, bytes (int32 each) and data.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "register.h"

enum { kMaxTensors = 40, kMaxRank = 8, kMaxBlocks = 4 };

typedef struct {
  TfLiteContext context;  // first: the adapters hand its address back
  TfLiteEvalTensor tensors[kMaxTensors];
  int bytes[kMaxTensors];
  void* blocks[kMaxBlocks];  // persistent memory and scratch
  int n_blocks;
} Run;

static TfLiteEvalTensor* GetEvalTensor(const TfLiteContext* context, int index) {
  return &((Run*)(uintptr_t)context)->tensors[index];
}

static void* AllocatePersistentBuffer(TfLiteContext* context, size_t bytes) {
  Run* run = (Run*)context;
  if (run->n_blocks == kMaxBlocks) exit(5);
  return run->blocks[run->n_blocks++] = malloc(bytes);
}

static TfLiteStatus RequestScratchBufferInArena(TfLiteContext* context, size_t bytes, int* index) {
  *index = ((Run*)context)->n_blocks;
  return AllocatePersistentBuffer(context, bytes) ? kTfLiteOk : kTfLiteError;
}

static void* GetScratchBuffer(TfLiteContext* context, int index) {
  return ((Run*)context)->blocks[index];
}

static int32_t ReadInt(FILE* file) {
  int32_t value = 0;
  if (fread(&value, sizeof(value), 1, file) != 1) exit(3);
  return value;
}

// A block of exactly n bytes from the file.
static void* ReadBlock(FILE* file, int32_t n) {
  void* block = malloc((size_t)n);
  if (n && fread(block, 1, (size_t)n, file) != (size_t)n) exit(3);
  return block;
}

static TfLiteIntArray* NewIndices(int n) {
  TfLiteIntArray* array = malloc(sizeof(TfLiteIntArray) + (size_t)n * sizeof(int));
  array->size = n;
  return array;
}

static void ReadTensor(FILE* file, Run* run, TfLiteIntArray* indices, int i, int tensor) {
  const int32_t type = ReadInt(file);
  indices->data[i] = type ? tensor : -1;
  if (!type) return;
  TfLiteIntArray* dims = NewIndices(ReadInt(file));
  for (int axis = 0; axis < dims->size; ++axis) dims->data[axis] = ReadInt(file);
  run->bytes[tensor] = ReadInt(file);
  run->tensors[tensor].type = (TfLiteType)type;
  run->tensors[tensor].dims = dims;
  run->tensors[tensor].data.data = ReadBlock(file, run->bytes[tensor]);
}

typedef struct {
  const char* name;
  const struct TFLMRegistration* found;
} Search;

static TfLiteStatus Match(void* search, const char* name, const struct TFLMRegistration* op) {
  Search* wanted = search;
  if (strcmp(name, wanted->name) == 0) wanted->found = op;
  return kTfLiteOk;
}

static void FreeAll(Run* run, TfLiteNode* node, void* options, int n) {
  for (int i = 0; i < n; ++i) {
    free(run->tensors[i].dims);
    free(run->tensors[i].data.data);
  }
  for (int i = 0; i < run->n_blocks; ++i) free(run->blocks[i]);
  free(node->inputs);
  free(node->outputs);
  free(options);
}

static void RunCase(FILE* file, FILE* results, const char* name) {
  Run run;
  TfLiteNode node;
  Search search = {name, NULL};
  memset(&run, 0, sizeof(run));
  memset(&node, 0, sizeof(node));
  run.context.GetEvalTensor = GetEvalTensor;
  run.context.AllocatePersistentBuffer = AllocatePersistentBuffer;
  run.context.RequestScratchBufferInArena = RequestScratchBufferInArena;
  run.context.GetScratchBuffer = GetScratchBuffer;
  const int n_inputs = ReadInt(file), n_outputs = ReadInt(file);
  node.custom_initial_data_size = ReadInt(file);
  void* options = ReadBlock(file, node.custom_initial_data_size);
  node.custom_initial_data = options;
  node.inputs = NewIndices(n_inputs);
  node.outputs = NewIndices(n_outputs);
  for (int i = 0; i < n_inputs; ++i) ReadTensor(file, &run, node.inputs, i, i);
  for (int i = 0; i < n_outputs; ++i) ReadTensor(file, &run, node.outputs, i, n_inputs + i);
  TfdgsuRegisterOpsWith(&search, Match);
  if (search.found && search.found->init) node.user_data = search.found->init(&run.context, NULL, 0);
  if (!search.found || search.found->prepare(&run.context, &node) != kTfLiteOk ||
      search.found->invoke(&run.context, &node) != kTfLiteOk) {
    fprintf(stderr, "%s failed\n", name);
    exit(4);
  }
  for (int i = 0; i < n_inputs + n_outputs; ++i) {
    if (run.bytes[i]) fwrite(run.tensors[i].data.data, 1, (size_t)run.bytes[i], results);
  }
  FreeAll(&run, &node, options, n_inputs + n_outputs);
}

int main(int argc, char** argv) {
  char name[64];
  if (argc != 3) return 2;
  FILE* file = fopen(argv[1], "rb");
  FILE* results = fopen(argv[2], "wb");
  if (!file || !results) return 2;
  while (fread(name, sizeof(name), 1, file) == 1) RunCase(file, results, name);
  fclose(file);
  fclose(results);
  return 0;
}
