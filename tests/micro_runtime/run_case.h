// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Runs an op from a file of cases through its adapter: Init, Prepare, Invoke. Every tensor is a heap block of exactly
// its size, so that a sanitizer sees the first byte beyond. Writes the tensors after it. Errors end the program.
//
// Case: name[64], n_inputs, n_outputs, option bytes (int32 each), options; then per tensor its type (0: absent), rank,
// sizes, bytes (int32 each) and data. A type plus 256 is a constant's.

#ifndef TFDGSU_TESTS_RUN_CASE_H_
#define TFDGSU_TESTS_RUN_CASE_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "register.h"

enum { kNameBytes = 64, kMaxBlocks = 4, kConstant = 256 };

// What a program does in its own way.
typedef struct {
  TfLiteStatus (*invoke)(const struct TFLMRegistration* op, TfLiteContext* context, TfLiteNode* node);
  char* flash;  // where constants go; NULL: to the heap
  size_t flash_bytes;
} Driver;

typedef struct {
  TfLiteContext context;  // first: the adapters hand its address back
  const Driver* driver;
  TfLiteEvalTensor* tensors;
  int* bytes;
  void* blocks[kMaxBlocks];  // persistent memory and scratch
  int n_blocks;
  size_t flash_used;
} Run;

static TfLiteEvalTensor* GetEvalTensor(const TfLiteContext* context, int index) {
  return &((Run*)(uintptr_t)context)->tensors[index];
}

static void* Allocate(size_t bytes) {
  void* block = malloc(bytes);
  if (!block && bytes) {
    fprintf(stderr, "no memory for %u bytes\n", (unsigned)bytes);
    exit(6);
  }
  return block;
}

static void* AllocatePersistentBuffer(TfLiteContext* context, size_t bytes) {
  Run* run = (Run*)context;
  if (run->n_blocks == kMaxBlocks) exit(5);
  return run->blocks[run->n_blocks++] = Allocate(bytes);
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

static void ReadBytes(FILE* file, void* to, int32_t n) {
  if (n && fread(to, 1, (size_t)n, file) != (size_t)n) exit(3);
}

static void* AllocateConstant(Run* run, size_t bytes) {
  if (!run->driver->flash) return Allocate(bytes);
  char* block = run->driver->flash + run->flash_used;
  run->flash_used += (bytes + 15) / 16 * 16;
  if (run->flash_used > run->driver->flash_bytes) exit(7);
  return block;
}

static TfLiteIntArray* NewIndices(int n) {
  TfLiteIntArray* array = Allocate(sizeof(TfLiteIntArray) + (size_t)n * sizeof(int));
  array->size = n;
  return array;
}

static void ReadTensor(FILE* file, Run* run, TfLiteIntArray* indices, int i, int tensor) {
  const int32_t type = ReadInt(file);
  indices->data[i] = type ? tensor : -1;
  if (!type) return;
  TfLiteIntArray* dims = NewIndices(ReadInt(file));
  for (int axis = 0; axis < dims->size; ++axis) dims->data[axis] = ReadInt(file);
  const int32_t bytes = run->bytes[tensor] = ReadInt(file);
  TfLiteEvalTensor* read = &run->tensors[tensor];
  read->type = (TfLiteType)(type % kConstant);
  read->dims = dims;
  read->data.data = type >= kConstant ? AllocateConstant(run, (size_t)bytes) : Allocate((size_t)bytes);
  ReadBytes(file, read->data.data, bytes);
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
  const char *const flash = run->driver->flash, *const end = flash ? flash + run->flash_used : NULL;
  for (int i = 0; i < n; ++i) {
    char* const data = run->tensors[i].data.data;
    if (!flash || data < flash || data >= end) free(data);
    free(run->tensors[i].dims);
  }
  for (int i = 0; i < run->n_blocks; ++i) free(run->blocks[i]);
  free(run->tensors);
  free(run->bytes);
  free(node->inputs);
  free(node->outputs);
  free(options);
}

static void RunCase(FILE* file, FILE* results, const char* name, const Driver* driver) {
  Run run;
  TfLiteNode node;
  Search search = {name, NULL};
  memset(&run, 0, sizeof(run));
  memset(&node, 0, sizeof(node));
  run.driver = driver;
  run.context.GetEvalTensor = GetEvalTensor;
  run.context.AllocatePersistentBuffer = AllocatePersistentBuffer;
  run.context.RequestScratchBufferInArena = RequestScratchBufferInArena;
  run.context.GetScratchBuffer = GetScratchBuffer;
  const int n_inputs = ReadInt(file), n_outputs = ReadInt(file), n = n_inputs + n_outputs;
  node.custom_initial_data_size = ReadInt(file);
  void* options = Allocate((size_t)node.custom_initial_data_size);
  ReadBytes(file, options, node.custom_initial_data_size);
  node.custom_initial_data = options;
  node.inputs = NewIndices(n_inputs);
  node.outputs = NewIndices(n_outputs);
  run.tensors = calloc((size_t)n + 1, sizeof(*run.tensors));
  run.bytes = calloc((size_t)n + 1, sizeof(*run.bytes));
  if (!run.tensors || !run.bytes) exit(6);
  for (int i = 0; i < n_inputs; ++i) ReadTensor(file, &run, node.inputs, i, i);
  for (int i = 0; i < n_outputs; ++i) ReadTensor(file, &run, node.outputs, i, n_inputs + i);
  TfdgsuRegisterOpsWith(&search, Match);
  if (search.found && search.found->init) node.user_data = search.found->init(&run.context, NULL, 0);
  if (!search.found || search.found->prepare(&run.context, &node) != kTfLiteOk ||
      driver->invoke(search.found, &run.context, &node) != kTfLiteOk) {
    fprintf(stderr, "%s failed\n", name);
    exit(4);
  }
  for (int i = 0; i < n; ++i) {
    if (run.bytes[i]) fwrite(run.tensors[i].data.data, 1, (size_t)run.bytes[i], results);
  }
  FreeAll(&run, &node, options, n);
}

// Arguments of a program: CASES RESULTS.
static int RunCases(int argc, char** argv, const Driver* driver) {
  char name[kNameBytes];
  if (argc != 3) return 2;
  FILE* file = fopen(argv[1], "rb");
  FILE* results = fopen(argv[2], "wb");
  if (!file || !results) return 2;
  while (fread(name, sizeof(name), 1, file) == 1) RunCase(file, results, name, driver);
  fclose(file);
  return fclose(results) ? 2 : 0;
}

#endif  // TFDGSU_TESTS_RUN_CASE_H_
